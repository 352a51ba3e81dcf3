"""The prices of one asset over time: daily from its blocks, finer from the snapshots of the syncs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Min
from numpy.typing import NDArray

from config.kernel.binary_copy import binary_cursor
from markets import sources
from markets.freshness import BARS_FRESH_FOR, BROAD_FRESH_FOR
from markets.models import DailyBar, Snapshot
from markets.models.price_block import SLOTS

FloatArray = NDArray[np.float64]

INTERVALS: Mapping[str, timedelta] = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
_MAX_GAPS = 100
_EPOCH = date(1970, 1, 1)
_START = datetime(1970, 1, 1, tzinfo=UTC)
# Only as many years as hold the points, counted from the end where they are; its year may be wanted in part.
_BLOCKS = (
    "SELECT b.year, b.close, b.volume, b.market_cap, b.sources, b.quality FROM markets_priceblock b JOIN ("
    " SELECT asset_id, year, sum(row_count) OVER (ORDER BY year {direction}) - row_count AS nearer_rows"
    " FROM markets_priceblock WHERE asset_id = %s AND year BETWEEN %s AND %s) n USING (asset_id, year)"
    " WHERE n.nearer_rows < %s ORDER BY b.year"
)
_OLDEST_BLOCKS, _NEWEST_BLOCKS = _BLOCKS.format(direction="ASC"), _BLOCKS.format(direction="DESC")


@dataclass(frozen=True, slots=True)
class Span:
    """What part of a history is wanted, `end` exclusive; at most `limit` points, the newest unless `start` is given."""

    interval: str
    limit: int
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A price series, oldest first; a missing value is NaN, a missing point is absent and named in `gaps`.

    `at` is the start of each interval in seconds since 1970; the price is the last one within the interval.
    """

    interval: str
    at: NDArray[np.int64]
    price: FloatArray
    market_cap: FloatArray
    volume: FloatArray
    as_of: datetime | None
    fresh_until: datetime | None
    sources: Sequence[str]
    quality: Mapping[str, int]
    gaps: Sequence[tuple[datetime, datetime]]
    gap_points: int
    next_start: datetime | None
    """Where the series goes on beyond `limit`; None when it is complete."""


def resolve_interval(asset_id: int, *, start: datetime | None, end: datetime) -> str:
    """The finest interval that keeps the series short and that the asset's kept snapshots cover."""
    if start is None or end - start > timedelta(days=30):
        return "1d"
    # Of this asset alone: that is a look into an index, and of all assets a walk through every row.
    kept_from = Snapshot.objects.filter(asset_id=asset_id).aggregate(first=Min("at"))["first"]
    if kept_from is None or start < kept_from:
        return "1d"
    return "5m" if end - start <= timedelta(days=1) else "1h"


def read(asset_id: int, span: Span, *, bars_to: date | None) -> History:
    """The part of an asset's history that `span` describes; `bars_to` is its newest daily bar."""
    if span.interval == "1d":
        return _daily(asset_id, span, bars_to)
    return _from_snapshots(asset_id, span)


def _daily(asset_id: int, span: Span, bars_to: date | None) -> History:
    if bars_to is None:
        return _empty(span.interval)
    first = None if span.start is None else _first_day_from(span.start)
    # No bar is older than 1970, and before the first day of all there is no day.
    last = bars_to if span.end is None else min(bars_to, _first_day_from(max(span.end, _START)) - timedelta(days=1))
    with binary_cursor() as cursor:
        years = [_EPOCH.year if first is None else first.year, last.year]
        # One point more than wanted tells where the series goes on.
        cursor.execute(_NEWEST_BLOCKS if first is None else _OLDEST_BLOCKS, [asset_id, *years, span.limit + 1 + SLOTS])
        records = cursor.fetchall()
    if not records:
        return _empty(span.interval)
    days = np.concatenate([_days_of_year(record[0]) for record in records])
    close, volume, market_cap = (
        np.frombuffer(b"".join(record[column] for record in records), "<f8") for column in (1, 2, 3)
    )
    source_ids = np.frombuffer(b"".join(record[4] for record in records), "<i2")
    quality = np.frombuffer(b"".join(record[5] for record in records), np.uint8)
    wanted = np.isfinite(close) & (days <= (last - _EPOCH).days)
    if first is not None:
        wanted &= days >= (first - _EPOCH).days
    chosen, following = _limited(np.flatnonzero(wanted), span)
    points = days[chosen]
    gaps, missing = _gaps(points, 1)
    as_of = datetime(bars_to.year, bars_to.month, bars_to.day, tzinfo=UTC) + timedelta(days=1)
    return History(
        interval=span.interval,
        at=points * 86_400,
        price=close[chosen],
        market_cap=market_cap[chosen],
        volume=volume[chosen],
        as_of=as_of,
        fresh_until=as_of + BARS_FRESH_FOR,
        sources=sources.names(set(np.unique(source_ids[chosen]).tolist())),
        quality=_quality_counts(quality[chosen]),
        gaps=[(_instant(start * 86_400), _instant(end * 86_400)) for start, end in gaps],
        gap_points=missing,
        next_start=None if following is None else _instant(int(days[following]) * 86_400),
    )


def _from_snapshots(asset_id: int, span: Span) -> History:
    step = int(INTERVALS[span.interval].total_seconds())
    newest_first = span.start is None
    conditions = ["asset_id = %s", "price IS NOT NULL"]
    parameters: list[Any] = [step, step, asset_id]
    if span.start is not None:
        conditions.append("at >= %s")
        parameters.append(span.start)
    if span.end is not None:
        conditions.append("at < %s")
        parameters.append(span.end)
    direction = "DESC" if newest_first else "ASC"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (bucket) floor(extract(epoch FROM at) / %s)::int8 * %s AS bucket,"  # noqa: S608  # literal conditions
            " price, market_cap, volume, source_id, at"
            f" FROM markets_snapshot WHERE {' AND '.join(conditions)}"
            f" ORDER BY bucket {direction}, at DESC LIMIT %s",
            [*parameters, span.limit + 1],
        )
        records = cursor.fetchall()
    following = int(records[span.limit][0]) if len(records) > span.limit else None
    records = records[: span.limit]
    if newest_first:
        records.reverse()
        following = None
    if not records:
        return _empty(span.interval)
    buckets = np.array([record[0] for record in records], dtype=np.int64)
    gaps, missing = _gaps(buckets, step)
    as_of = max(record[5] for record in records)
    return History(
        interval=span.interval,
        at=buckets,
        price=np.array([record[1] for record in records], dtype=np.float64),
        market_cap=np.array([record[2] for record in records], dtype=np.float64),
        volume=np.array([record[3] for record in records], dtype=np.float64),
        as_of=as_of,
        fresh_until=as_of + BROAD_FRESH_FOR,
        sources=sources.names({record[4] for record in records}),
        quality={},
        gaps=[(_instant(start), _instant(end)) for start, end in gaps],
        gap_points=missing,
        next_start=None if following is None else _instant(following),
    )


def _empty(interval: str) -> History:
    nothing = np.empty(0)
    return History(
        interval, np.empty(0, dtype=np.int64), nothing, nothing, nothing, None, None, [], {}, [], 0, next_start=None
    )


def _limited(found: NDArray[np.intp], span: Span) -> tuple[NDArray[np.intp], int | None]:
    """The points that fit the limit, and the first one left out behind them."""
    if len(found) <= span.limit:
        return found, None
    if span.start is None:
        return found[-span.limit :], None
    return found[: span.limit], int(found[span.limit])


def _gaps(points: NDArray[np.int64], step: int) -> tuple[list[tuple[int, int]], int]:
    """Ranges without points, start inclusive and end exclusive (the first hundred), and how many points they lack."""
    holes = np.flatnonzero(np.diff(points) > step)
    missing = int(((points[holes + 1] - points[holes]) // step - 1).sum())
    return [(int(points[hole]) + step, int(points[hole + 1])) for hole in holes[:_MAX_GAPS]], missing


def _first_day_from(instant: datetime) -> date:
    """The first UTC day that starts at or after the instant."""
    day = instant.date()
    is_midnight = instant == datetime(day.year, day.month, day.day, tzinfo=UTC)
    return day if is_midnight or day == date.max else day + timedelta(days=1)


@lru_cache(maxsize=256)
def _days_of_year(year: int) -> NDArray[np.int64]:
    return (date(year, 1, 1) - _EPOCH).days + np.arange(SLOTS)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _quality_counts(quality: NDArray[np.uint8]) -> dict[str, int]:
    if not quality.any():
        return {}
    return {
        flag.name.lower(): count for flag in DailyBar.Quality if (count := int(((quality & flag.value) != 0).sum()))
    }
