from datetime import UTC, date, datetime, timedelta

import pytest

from config.kernel import partitions
from config.kernel.partitions import Period
from markets.actions.bars import TABLE as BARS
from markets.models import Asset, DailyBar, Market, PriceBlock, Snapshot
from markets.models.snapshot import TABLE as SNAPSHOTS
from markets.runs import retention
from tests.markets.factories import NOON, AssetFactory, RawAnswerFactory, SnapshotFactory, store_daily_bars

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _for_ever(settings):
    settings.PRICE_HISTORY_RETENTION_DAYS = 0
    settings.DAILY_HISTORY_RETENTION_DAYS = 0


def seen_on(*days: date) -> None:
    coin = AssetFactory.create()
    partitions.ensure(SNAPSHOTS, [Period.month(day) for day in days])
    for day in days:
        SnapshotFactory.create(asset=coin, at=datetime(day.year, day.month, day.day, tzinfo=UTC))


def snapshot_days() -> list[date]:
    return [at.date() for at in Snapshot.objects.order_by("at").values_list("at", flat=True)]


@pytest.mark.parametrize(
    ("today", "months", "years"),
    [
        (date(2026, 3, 12), ["2026_03", "2026_04"], ["2026", "2027"]),
        (date(2026, 1, 31), ["2026_01", "2026_02"], ["2026", "2027"]),
        (date(2027, 12, 31), ["2027_12", "2028_01"], ["2027", "2028"]),
        (date(2028, 2, 29), ["2028_02", "2028_03"], ["2028", "2029"]),
    ],
)
def test_room_is_made_for_this_period_and_the_next(today, months, years):
    retention.perform(at=datetime(today.year, today.month, today.day, 4, tzinfo=UTC))

    assert (partitions.suffixes(SNAPSHOTS), partitions.suffixes(BARS)) == (months, years)


def test_zero_keeps_everything_for_ever():
    seen_on(date(2015, 1, 1))
    store_daily_bars(AssetFactory.create(), date(2010, 7, 17), [1.0])
    before = Market.objects.get().data_version

    removed = retention.perform(at=NOON)

    assert (removed.snapshot_months, removed.bar_years) == ((), ())
    assert (snapshot_days(), DailyBar.objects.count()) == ([date(2015, 1, 1)], 1)
    assert Market.objects.get().data_version == before


@pytest.mark.parametrize(
    ("keep_days", "dropped", "kept"),
    [
        # The oldest day that is kept decides: 2026-03-01, 2026-02-28, 2026-01-01 and 2025-12-31.
        (11, ("2025_12", "2026_01", "2026_02"), [date(2026, 3, 1)]),
        (12, ("2025_12", "2026_01"), [date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)]),
        (70, ("2025_12",), [date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)]),
        (71, (), [date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)]),
    ],
)
def test_months_of_snapshots_are_dropped_whole_when_their_last_day_is_too_old(settings, keep_days, dropped, kept):
    settings.PRICE_HISTORY_RETENTION_DAYS = keep_days
    seen_on(date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1))

    removed = retention.perform(at=NOON)

    assert (removed.snapshot_months, removed.bar_years) == (dropped, ())
    assert snapshot_days() == kept


def test_years_of_bars_are_dropped_whole_with_their_blocks_and_coverage(settings):
    settings.DAILY_HISTORY_RETENTION_DAYS = 500  # 2024-10-28 is the oldest day that is kept
    both, old, recent, later = AssetFactory.create_batch(4)
    store_daily_bars(both, date(2023, 12, 31), [1.0, 2.0])
    store_daily_bars(old, date(2021, 6, 1), [3.0])
    store_daily_bars(recent, date(2025, 6, 1), [4.0])
    # The first bar beyond the dropped years is not their morrow.
    store_daily_bars(later, date(2022, 5, 5), [5.0])
    store_daily_bars(later, date(2024, 8, 9), [6.0, 7.0])

    removed = retention.perform(at=NOON)

    assert removed.bar_years == ("2021", "2022", "2023")
    assert list(DailyBar.objects.order_by("day").values_list("close", flat=True)) == [2.0, 6.0, 7.0, 4.0]
    assert set(PriceBlock.objects.values_list("asset_id", "year")) == {
        (both.pk, 2024),
        (recent.pk, 2025),
        (later.pk, 2024),
    }
    assert {asset.pk: (asset.bars_from, asset.bars_to) for asset in Asset.objects.all()} == {
        both.pk: (date(2024, 1, 1), date(2024, 1, 1)),
        old.pk: (None, None),
        recent.pk: (date(2025, 6, 1), date(2025, 6, 1)),
        later.pk: (date(2024, 8, 9), date(2024, 8, 10)),
    }


@pytest.mark.parametrize(("keep_days", "dropped"), [(436, ()), (435, ("2024",))])
def test_year_stays_as_long_as_its_last_day_is_wanted(settings, keep_days, dropped):
    settings.DAILY_HISTORY_RETENTION_DAYS = keep_days  # 2024-12-31 is 436 days ago
    store_daily_bars(AssetFactory.create(), date(2024, 1, 1), [1.0])

    assert retention.perform(at=NOON).bar_years == dropped


def test_readers_hear_once_of_what_was_dropped(settings):
    settings.PRICE_HISTORY_RETENTION_DAYS = settings.DAILY_HISTORY_RETENTION_DAYS = 30
    seen_on(date(2025, 1, 1))
    store_daily_bars(AssetFactory.create(), date(2024, 1, 1), [1.0])
    before = Market.objects.get().data_version

    versions = []
    for _ in range(2):
        retention.perform(at=NOON)
        versions.append(Market.objects.get().data_version)

    assert versions == [before + 1, before + 1]


def test_raw_answers_are_dropped_after_a_week():
    kept = RawAnswerFactory.create(received_at=NOON - timedelta(days=7))
    RawAnswerFactory.create(received_at=NOON - timedelta(days=7, seconds=1))

    assert retention.perform(at=NOON).raw_answers == 1

    assert list(type(kept).objects.all()) == [kept]


def test_retention_that_fails_removes_nothing(settings, monkeypatch):
    settings.PRICE_HISTORY_RETENTION_DAYS = settings.DAILY_HISTORY_RETENTION_DAYS = 30
    seen_on(date(2025, 1, 1))
    store_daily_bars(AssetFactory.create(), date(2024, 1, 1), [1.0])

    def fail(*, at: datetime) -> int:
        raise RuntimeError

    monkeypatch.setattr("markets.actions.raw_answers.drop_old", fail)
    with pytest.raises(RuntimeError):
        retention.perform(at=NOON)

    assert (partitions.suffixes(SNAPSHOTS), partitions.suffixes(BARS)) == (["2025_01"], ["2024"])
    assert (Snapshot.objects.count(), DailyBar.objects.count(), PriceBlock.objects.count()) == (1, 1, 1)
