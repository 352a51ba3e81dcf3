"""JSON of a page to typed rows: fast while all rows are good, row by row once one is not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from markets.providers.rejects import Reason, Reject, readable

Row = TypeVar("Row")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_LITERAL = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|-?NaN', re.DOTALL)
_STAND_INS = {
    b"NaN": b'"N"',
    b"-NaN": b'"-N"',
    b"Infinity": b"1e999999",
    b"-Infinity": b"-1e999999",
}


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Row]):
    """Typed rows with their JSON text, and what could not be typed."""

    rows: list[Row]
    texts: Callable[[], Sequence[bytes]]
    rejects: list[Reject] = field(default_factory=list)


def without_literals(body: bytes) -> bytes:
    """The body with NaN and Infinity, which are not JSON, replaced by tokens of equal length.

    The stand-ins are refused as numbers too, so a row that has one is refused and its neighbours are not.
    """
    if b"NaN" not in body and b"Infinity" not in body:
        return body
    return _LITERAL.sub(lambda match: _STAND_INS.get(match[0], match[0]), body)


def decode_rows(
    body: bytes,
    *,
    whole: Callable[[bytes], list[Row]],
    split: Callable[[bytes], list[msgspec.Raw]],
    one: Callable[[bytes], Row],
) -> Decoded[Row]:
    """Typed rows of a page.

    `whole` decodes a page in one go, `split` finds the text of its rows, `one` decodes a single row. A page that
    cannot even be split is one reject.
    """
    try:
        return Decoded(whole(body), lambda: [bytes(raw) for raw in split(body)])
    except UNREADABLE:
        return _row_by_row(body, split, one)


def _row_by_row(body: bytes, split: Callable[[bytes], list[msgspec.Raw]], one: Callable[[bytes], Row]) -> Decoded[Row]:
    masked = without_literals(body)
    try:
        raws = split(masked)
    except msgspec.ValidationError as error:
        return Decoded([], list, [Reject("", "not_a_list", str(error), readable(body))])
    except UNREADABLE as error:
        return Decoded([], list, [Reject("", "malformed_json", _explain(error), readable(body))])
    rows: list[Row] = []
    texts: list[bytes] = []
    rejects: list[Reject] = []
    position = 0
    for raw in raws:
        content = bytes(raw)
        # Rows come in the order of the page, so the next occurrence is this row.
        position = masked.index(content, position)
        text = body[position : position + len(content)]
        position += len(content)
        try:
            rows.append(one(content))
        except UNREADABLE as error:
            reason = "not_finite" if text != content else _reason(error)
            rejects.append(Reject(_identify(content), reason, _explain(error), readable(text)))
        else:
            texts.append(text)
    return Decoded(rows, lambda: texts, rejects)


class _Identity(msgspec.Struct):
    id: str | int = ""


def _identify(text: bytes) -> str:
    """The id of a row that could not be typed, where it has a readable one."""
    try:
        return str(msgspec.json.decode(text, type=_Identity).id)[:200]
    except UNREADABLE:
        return ""


def _reason(error: Exception) -> Reason:
    message = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return "malformed_json"
    if "out of range" in message:
        return "not_finite"
    if "missing required field" in message or "Expected `str`, got `null`" in message:
        return "missing_field"
    return "bad_type"


def _explain(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:300]
