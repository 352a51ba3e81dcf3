from datetime import UTC, date, datetime, timedelta

import pytest

from config.kernel import partitions
from config.kernel.partitions import Period
from markets.actions.bars import StoredBars
from markets.models import DailyBar, Market, PriceBlock, Snapshot
from markets.runs import day_close
from tests.markets.factories import NOON, AssetFactory, SnapshotFactory, SourceFactory, store_daily_bars
from tests.support.statements import statements

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

YESTERDAY = date(2026, 3, 11)


def on(day: date, time: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)


def seen(asset, day: date, time: str, price: float | None, **others: object) -> Snapshot:
    return SnapshotFactory.create(asset=asset, at=on(day, time), price=price, **others)


def test_bar_is_made_of_the_first_highest_lowest_and_last_price_of_the_day():
    coin = AssetFactory.create()
    late = SourceFactory.create(name="late")
    seen(coin, YESTERDAY - timedelta(days=1), "23:59:59.999999", 99.0)
    seen(coin, YESTERDAY, "00:00", 10.0, volume=1.0, market_cap=1.0)
    seen(coin, YESTERDAY, "09:00", 14.0)
    seen(coin, YESTERDAY, "13:00", 7.0)
    seen(coin, YESTERDAY, "23:55", 12.0, volume=500.0, market_cap=24_000.0, source=late)
    seen(coin, YESTERDAY + timedelta(days=1), "00:00", 55.0)

    assert day_close.perform(at=NOON) == StoredBars(inserted=2)

    assert DailyBar.objects.values().get(day=YESTERDAY) == {
        "asset_id": coin.pk,
        "day": YESTERDAY,
        "open": 10.0,
        "high": 14.0,
        "low": 7.0,
        "close": 12.0,
        "volume": 500.0,
        "market_cap": 24_000.0,
        "source_id": late.pk,
        "quality": DailyBar.Quality.PROVISIONAL,
    }
    assert PriceBlock.objects.get().row_count == 2


@pytest.mark.parametrize(("last_seen", "bars"), [("21:59:59.999999", 0), ("22:00", 1), ("23:59:59.999999", 1)], ids=str)
def test_asset_that_was_not_seen_within_two_hours_of_midnight_gets_no_bar(last_seen, bars):
    coin = AssetFactory.create()
    seen(coin, YESTERDAY, "00:00", 1.0)
    seen(coin, YESTERDAY, last_seen, 2.0)

    assert day_close.perform(at=NOON) == StoredBars(inserted=bars)

    assert list(DailyBar.objects.values_list("close", flat=True)) == [2.0] * bars


def test_snapshot_without_a_price_is_no_sighting():
    coin = AssetFactory.create()
    seen(coin, YESTERDAY, "21:00", 1.0)
    seen(coin, YESTERDAY, "23:00", None, volume=5.0)

    assert day_close.perform(at=NOON) == StoredBars()


def test_volume_that_the_last_snapshot_lacks_is_missing():
    coin = AssetFactory.create()
    seen(coin, YESTERDAY, "22:30", 1.0, volume=5.0, market_cap=9.0)
    seen(coin, YESTERDAY, "23:30", 2.0)

    day_close.perform(at=NOON)

    assert DailyBar.objects.values_list("close", "volume", "market_cap").get() == (2.0, None, None)


def test_bar_of_a_provider_is_never_replaced():
    coin = AssetFactory.create()
    store_daily_bars(coin, YESTERDAY, [77.0])
    seen(coin, YESTERDAY, "23:59", 1.0)
    before = Market.objects.get().data_version

    assert day_close.perform(at=NOON) == StoredBars(unchanged=1)

    assert DailyBar.objects.values_list("close", "quality").get() == (77.0, 0)
    assert Market.objects.get().data_version == before


def test_bar_of_a_provider_takes_the_place_of_ours():
    coin = AssetFactory.create()
    seen(coin, YESTERDAY, "23:59", 1.0)
    day_close.perform(at=NOON)

    assert store_daily_bars(coin, YESTERDAY, [77.0]) == StoredBars(updated=1)

    assert DailyBar.objects.values_list("close", "quality").get() == (77.0, 0)


def test_day_is_closed_once():
    seen(AssetFactory.create(), YESTERDAY, "23:59", 1.0)

    results = [day_close.perform(at=NOON + timedelta(hours=hour)) for hour in range(2)]

    assert results == [StoredBars(inserted=1), StoredBars(unchanged=1)]


def test_a_week_is_looked_at_again_and_neither_today_nor_the_day_before_that_week():
    coin = AssetFactory.create()
    for age in range(9):
        seen(coin, NOON.date() - timedelta(days=age), "23:30", 1.0 + age)

    assert day_close.perform(at=NOON) == StoredBars(inserted=7)

    assert dict(DailyBar.objects.values_list("day", "close")) == {
        NOON.date() - timedelta(days=age): 1.0 + age for age in range(1, 8)
    }


def test_day_ends_at_midnight_utc_wherever_the_caller_is():
    coin = AssetFactory.create()
    seen(coin, YESTERDAY, "23:59", 1.0)
    eastern = datetime.fromisoformat("2026-03-12T08:30+09:00")  # still the 11th in UTC

    assert day_close.perform(at=eastern) == StoredBars()
    assert day_close.perform(at=eastern + timedelta(minutes=30)) == StoredBars(inserted=1)


def test_days_of_two_months_and_of_two_years_are_closed():
    coin = AssetFactory.create()
    partitions.ensure("markets_snapshot", [Period.month(date(2025, 12, 1)), Period.month(date(2026, 1, 1))])
    for day in (date(2025, 12, 31), date(2026, 1, 1)):
        seen(coin, day, "23:30", 1.0)

    assert day_close.perform(at=datetime(2026, 1, 2, tzinfo=UTC)) == StoredBars(inserted=2)

    assert list(PriceBlock.objects.order_by("year").values_list("year", "row_count")) == [(2025, 1), (2026, 1)]


def test_without_snapshots_nothing_happens():
    before = Market.objects.get().data_version

    assert day_close.perform(at=NOON) == StoredBars()

    assert Market.objects.get().data_version == before


def test_number_of_statements_does_not_grow_with_the_assets():
    counts = []
    for size, day in ((1, YESTERDAY), (12, YESTERDAY - timedelta(days=1))):
        for asset in AssetFactory.create_batch(size):
            seen(asset, day, "23:30", 1.0)
        with statements() as said:
            day_close.perform(at=NOON)
        counts.append(len(said))

    assert counts[0] == counts[1]
