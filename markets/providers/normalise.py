"""The checks that every row passes before it is believed, whichever provider it came from."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from markets.providers.bars import GENESIS
from markets.providers.listings import MISSING_INSTANT, NUMBERS, FloatArray, InstantArray, Listings
from markets.providers.rejects import Reason, Reject, readable

UNREADABLE_INSTANT = MISSING_INSTANT + 1
CLOCK_TOLERANCE = timedelta(minutes=5)
CAP_TOLERANCE = 20.0  # price x supply against market cap: beyond this factor one of the three is wrong
HIGHEST_PRICE = 1e9  # USD; the whole of all currencies is worth about 1e14
SYMBOL_LIMIT = 50
NAME_LIMIT = 200
IMAGE_LIMIT = 500
RANK_LIMIT = 10_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REASONS: tuple[Reason, ...] = get_args(Reason)
_POSITIVE_OR_MISSING = (
    "market_cap",
    "rank",
    "high_24h",
    "low_24h",
    "ath",
    "atl",
    "circulating_supply",
    "total_supply",
    "max_supply",
)
_NEVER_NEGATIVE = ("price", "volume", *_POSITIVE_OR_MISSING)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")


def microseconds(moment: datetime) -> int:
    """An aware moment as microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def numbers(values: Sequence[float | None]) -> FloatArray:
    """A column of floats: None becomes NaN, which stands for missing, and a spoken NaN becomes infinite.

    So whatever was said but is not a number fails the check for finite numbers.
    """
    column = np.array(values, dtype=np.float64)
    unspoken = np.isnan(column)
    if int(unspoken.sum()) != values.count(None):
        silent = np.fromiter((value is None for value in values), dtype=np.bool_, count=len(values))
        column[unspoken & ~silent] = np.inf
    return column


def instants(values: Sequence[str | None]) -> InstantArray:
    """ISO 8601 texts as microseconds; None is missing, anything else unreadable."""
    try:
        column = pa.array(values, type=pa.string()).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return np.array([_instant(value) for value in values], dtype=np.int64)
    return np.asarray(column.fill_null(MISSING_INSTANT).to_numpy(zero_copy_only=False), dtype=np.int64)


def _instant(value: str | None) -> int:
    if value is None:
        return MISSING_INSTANT
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return UNREADABLE_INSTANT
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def texts(values: Iterable[str]) -> list[str]:
    """Composed Unicode without control or direction characters and without outer blanks."""
    return [
        value if value.isascii() and value.isprintable() and value.strip() == value else _clean(value)
        for value in values
    ]


def _clean(value: str) -> str:
    return unicodedata.normalize("NFC", _CONTROL.sub("", value)).strip()


class _Verdicts:
    """The first objection to each row."""

    def __init__(self, rows: int) -> None:
        self._reason = np.full(rows, -1, dtype=np.int8)
        self._field: dict[int, str] = {}

    def object(self, mask: NDArray[np.bool_], reason: Reason, about: str) -> None:
        fresh = mask & (self._reason < 0)
        if fresh.any():
            self._reason[fresh] = _REASONS.index(reason)
            self._field.update(dict.fromkeys(np.flatnonzero(fresh).tolist(), about))

    @property
    def good(self) -> NDArray[np.bool_]:
        return self._reason < 0

    def rejects(self, external_ids: Sequence[str], raw: Callable[[], Sequence[bytes]]) -> list[Reject]:
        bad = np.flatnonzero(~self.good).tolist()
        if not bad:
            return []
        rows = raw()
        return [
            Reject(external_ids[i][:NAME_LIMIT], _REASONS[self._reason[i]], self._field[i], readable(rows[i]))
            for i in bad
        ]


def listings(draft: Listings, *, at: datetime, raw: Callable[[], Sequence[bytes]]) -> Listings:
    """The believable rows of a page as decoded, each coin once; the others become rejects.

    A row may lack a price or anything else but its id, symbol and name. Zero is a price nobody quotes, but for
    caps, ranks, supplies and extremes it is the providers' word for "unknown". `raw` gives the text of each row.
    """
    draft = replace(
        draft,
        symbol=texts(draft.symbol),
        name=texts(draft.name),
        slug=texts(draft.slug),
        image=[url if len(url) <= IMAGE_LIMIT and url.startswith("https://") else "" for url in draft.image],
    )
    verdicts = _Verdicts(len(draft))
    _judge_texts(draft, verdicts)
    _judge_numbers(draft, verdicts)
    _judge_instants(draft, verdicts, at)
    good = verdicts.good
    rejects = [*draft.rejects, *verdicts.rejects(draft.external_id, raw)]
    if len(set(draft.external_id)) == len(draft):
        unique = draft if good.all() else draft.take(good)
    else:
        rows = raw()
        unique = draft.take(good).without_duplicates(raw=[rows[i] for i in np.flatnonzero(good).tolist()])
        rejects += unique.rejects[len(draft.rejects) :]
    corrected: dict[str, Any] = {
        name: _missing_if(getattr(unique, name), getattr(unique, name) == 0) for name in _POSITIVE_OR_MISSING
    }
    # Whole places from the first on; anything else is no rank.
    corrected["rank"] = _missing_if(unique.rank, ~((unique.rank >= 1) & (unique.rank <= RANK_LIMIT)))
    latest = microseconds(at + CLOCK_TOLERANCE)
    for name in ("ath_at", "atl_at"):
        moments = getattr(unique, name)
        implausible = (moments > latest) | (moments < _GENESIS_INSTANT)
        corrected[name] = np.where(implausible, MISSING_INSTANT, moments)
    return replace(unique, rejects=rejects, **corrected)


_GENESIS_INSTANT = microseconds(datetime.combine(GENESIS, datetime.min.time(), tzinfo=UTC))


def _missing_if(column: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    return np.where(mask, np.nan, column)


def _judge_texts(draft: Listings, verdicts: _Verdicts) -> None:
    for name, values, limit in (
        ("id", draft.external_id, NAME_LIMIT),
        ("symbol", draft.symbol, SYMBOL_LIMIT),
        ("name", draft.name, NAME_LIMIT),
        ("slug", draft.slug, NAME_LIMIT),
    ):
        lengths = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
        if name != "slug":
            verdicts.object(lengths == 0, "missing_field", name)
        verdicts.object(lengths > limit, "text_too_long", name)
    # An id is sent back to the provider and kept as a key: it is refused rather than cleaned.
    unclean = [not (value.isprintable() and value.strip() == value) for value in draft.external_id]
    verdicts.object(np.array(unclean, dtype=np.bool_), "bad_type", "id")


def _judge_numbers(draft: Listings, verdicts: _Verdicts) -> None:
    for name in NUMBERS:
        verdicts.object(np.isinf(getattr(draft, name)), "not_finite", name)
    verdicts.object(draft.price == 0, "zero_price", "price")
    for name in _NEVER_NEGATIVE:
        verdicts.object(getattr(draft, name) < 0, "negative", name)
    verdicts.object(_disagree(draft), "price_cap_mismatch", "price x circulating supply against market cap")
    verdicts.object(
        _out_of_range(draft), "price_out_of_range", "price against the day's range, the extremes, the limit"
    )


def _disagree(draft: Listings) -> NDArray[np.bool_]:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        ratio = draft.price * draft.circulating_supply / draft.market_cap
    known = (draft.price > 0) & (draft.circulating_supply > 0) & (draft.market_cap > 0)
    return np.asarray(known & ((ratio > CAP_TOLERANCE) | (ratio < 1 / CAP_TOLERANCE) | np.isnan(ratio)))


def _out_of_range(draft: Listings) -> NDArray[np.bool_]:
    """Prices far beyond what the row itself says of the day and of all time; a NaN says nothing."""
    above = np.fmin(np.where(draft.high_24h > 0, draft.high_24h, np.nan), np.where(draft.ath > 0, draft.ath, np.nan))
    below = np.fmax(draft.low_24h, draft.atl)
    with np.errstate(over="ignore"):
        far_above = (draft.price > CAP_TOLERANCE * above) | (draft.price > HIGHEST_PRICE)
        return np.asarray(far_above | (draft.price * CAP_TOLERANCE < below))


def _judge_instants(draft: Listings, verdicts: _Verdicts, at: datetime) -> None:
    moments = draft.as_of
    verdicts.object(moments == UNREADABLE_INSTANT, "bad_type", "as_of")
    verdicts.object(moments > microseconds(at + CLOCK_TOLERANCE), "future_timestamp", "as_of")
    verdicts.object((moments != MISSING_INSTANT) & (moments < _GENESIS_INSTANT), "ancient_timestamp", "as_of")
