"""The market as a whole: its latest numbers, and each of them over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection

from markets.freshness import DAILY_INDICATORS_FRESH_FOR, INDICATORS_FRESH_FOR
from markets.providers.indicators import FEAR_AND_GREED, INDICATORS, Indicator

INTERVALS = {"1h": timedelta(hours=1), "1d": timedelta(days=1)}
_DAILY = frozenset((FEAR_AND_GREED,))
_MAX_GAPS = 100


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest value of an indicator; all None where nobody has ever said one."""

    indicator: Indicator
    value: float | None
    as_of: datetime | None
    provider: str | None
    is_simulated: bool
    fresh_until: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """What part of a series is wanted, `end` exclusive; at most `limit` points, the newest unless `start` is given."""

    interval: str
    limit: int
    start: datetime | None = None
    end: datetime | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The last value of each interval, oldest first, with who said it; empty intervals are named in `gaps`."""

    points: Sequence[tuple[datetime, float, str]]
    as_of: datetime | None
    fresh_until: datetime | None
    gaps: Sequence[tuple[datetime, datetime]]
    gap_points: int
    next_start: datetime | None


def native_interval(indicator: str) -> str:
    """At which distance an indicator is observed."""
    return "1d" if indicator in _DAILY else "1h"


def latest() -> list[Latest]:
    """Every indicator there is, in the order of the registry."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (i.indicator) i.indicator, i.value, i.at, s.name, s.is_simulated"
            " FROM markets_indicatorvalue i JOIN markets_source s ON s.id = i.source_id"
            " ORDER BY i.indicator, i.at DESC, i.id DESC"
        )
        known = {record[0]: record[1:] for record in cursor.fetchall()}
    return [_latest(indicator, known.get(name)) for name, indicator in INDICATORS.items()]


def _latest(indicator: Indicator, record: tuple[float, datetime, str, bool] | None) -> Latest:
    if record is None:
        return Latest(indicator, None, None, None, False, None)
    value, as_of, provider, is_simulated = record
    return Latest(indicator, value, as_of, provider, is_simulated, _fresh_until(indicator.name, as_of))


def _fresh_until(indicator: str, as_of: datetime) -> datetime:
    return as_of + (DAILY_INDICATORS_FRESH_FOR if indicator in _DAILY else INDICATORS_FRESH_FOR)


def series(indicator: str, span: Span) -> Series:
    """The part of an indicator's history that `span` describes."""
    step = int(INTERVALS[span.interval].total_seconds())
    newest_first = span.start is None
    conditions = ["i.indicator = %s"]
    parameters: list[Any] = [step, step, indicator]
    for condition, value in (
        ("i.at >= %s", span.start),
        ("i.at < %s", span.end),
        ("s.name = %s", span.provider),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    direction = "DESC" if newest_first else "ASC"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (bucket) floor(extract(epoch FROM i.at) / %s)::int8 * %s AS bucket,"  # noqa: S608  # literal conditions
            " i.value, s.name, i.at FROM markets_indicatorvalue i JOIN markets_source s ON s.id = i.source_id"
            f" WHERE {' AND '.join(conditions)} ORDER BY bucket {direction}, i.at DESC, i.id DESC LIMIT %s",
            [*parameters, span.limit + 1],
        )
        records = cursor.fetchall()
    following = None if newest_first or len(records) <= span.limit else _instant(records[span.limit][0])
    records = records[: span.limit]
    if newest_first:
        records.reverse()
    buckets = [record[0] for record in records]
    holes = [(a + step, b) for a, b in pairwise(buckets) if b - a > step]
    as_of = max((record[3] for record in records), default=None)
    return Series(
        points=[(_instant(bucket), value, provider) for bucket, value, provider, _ in records],
        as_of=as_of,
        fresh_until=None if as_of is None else _fresh_until(indicator, as_of),
        gaps=[(_instant(start), _instant(end)) for start, end in holes[:_MAX_GAPS]],
        gap_points=sum((end - start) // step for start, end in holes),
        next_start=following,
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
