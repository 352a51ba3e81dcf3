"""Removing what has been kept long enough, and making room for what comes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction

from config.kernel import partitions
from config.kernel.partitions import Period
from markets.actions import bars, market, raw_answers
from markets.models.snapshot import TABLE as SNAPSHOTS

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Removed:
    """What one run removed: whole months of snapshots, whole years of bars, single raw answers."""

    snapshot_months: tuple[str, ...]
    bar_years: tuple[str, ...]
    raw_answers: int


@transaction.atomic
def perform(*, at: datetime) -> Removed:
    """Drop the partitions that lie wholly beyond the retention, and create those of this and the next period.

    `PRICE_HISTORY_RETENTION_DAYS` is for snapshots, `DAILY_HISTORY_RETENTION_DAYS` for daily bars; 0 keeps for ever.
    """
    with connection.cursor() as cursor:
        # Whoever stores bars reads their blocks first, and would write back what is dropped here.
        bars.lock(cursor)
    today = at.astimezone(UTC).date()
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    partitions.ensure(SNAPSHOTS, [Period.month(today), Period.month(following)])
    partitions.ensure(bars.TABLE, [Period.year(today.year), Period.year(today.year + 1)])
    months = _drop(SNAPSHOTS, Period.month, today, settings.PRICE_HISTORY_RETENTION_DAYS)
    years = _drop(bars.TABLE, lambda day: Period.year(day.year), today, settings.DAILY_HISTORY_RETENTION_DAYS)
    if years:
        _forget_years(int(years[-1]))
    removed = Removed(months, years, raw_answers.drop_old(at=at))
    if months or years:
        market.touch(at=at)
    log.info("retention.done", months=list(months), years=list(years), raw_answers=removed.raw_answers)
    return removed


def _drop(table: str, period_of: Callable[[date], Period], today: date, keep_days: int) -> tuple[str, ...]:
    if not keep_days:
        return ()
    oldest_kept = period_of(today - timedelta(days=keep_days)).suffix
    return tuple(
        suffix for suffix in partitions.suffixes(table) if suffix < oldest_kept and partitions.drop(table, suffix)
    )


def _forget_years(last_dropped: int) -> None:
    """Blocks and coverage follow the bars that are gone."""
    first_kept = date(last_dropped + 1, 1, 1)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM markets_priceblock WHERE year <= %s", [last_dropped])
        cursor.execute(
            "UPDATE markets_asset SET bars_from = CASE WHEN bars_to >= %(kept)s THEN"
            " (SELECT min(day) FROM markets_dailybar b WHERE b.asset_id = markets_asset.id) END,"
            " bars_to = CASE WHEN bars_to >= %(kept)s THEN bars_to END WHERE bars_from < %(kept)s",
            {"kept": first_kept},
        )
