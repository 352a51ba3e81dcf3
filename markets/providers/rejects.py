"""A row that was refused, and why."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "malformed_json",
    "not_a_list",
    "bad_type",
    "missing_field",
    "text_too_long",
    "not_finite",
    "zero_price",
    "negative",
    "high_below_low",
    "future_timestamp",
    "ancient_timestamp",
    "price_cap_mismatch",
    "price_out_of_range",
    "implausible_jump",
    "identity_unclear",
    "duplicate",
    "out_of_range",
    "unsafe_link",
]

RAW_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Reject:
    """One refused row: what it was about, the reason, and its text (at most 4 kB) for a later look.

    `line` is the line of a CSV file (the header is line 1) or the row of a Parquet file (from 1).
    """

    external_id: str
    reason: Reason
    detail: str
    raw: str
    line: int | None = None


def readable(raw: bytes) -> str:
    """The text of a refused row: cut to the limit, safe for a text column (no NUL, valid Unicode)."""
    return raw[:RAW_LIMIT].decode("utf-8", errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")[:RAW_LIMIT]
