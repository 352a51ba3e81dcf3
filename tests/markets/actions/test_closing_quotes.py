from datetime import UTC, date, datetime, timedelta

import pytest

from markets.actions import closing_quotes
from markets.models import Market, Quote
from tests.markets.factories import NOON, AssetFactory, PriceOverrideFactory, QuoteFactory, store_daily_bars
from tests.support.statements import statements

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LAST = date(2026, 3, 10)
CLOSE_OF_LAST = datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)


def days_before(days: int) -> date:
    return LAST - timedelta(days=days)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def quote(asset) -> dict[str, object]:
    """What the asset's quote says, without what it leaves missing."""
    values = Quote.objects.values().get(asset=asset)
    return {name: value for name, value in values.items() if value is not None}


def test_quote_is_the_last_close_with_changes_and_extremes_of_the_bars():
    coin = AssetFactory.create()
    store_daily_bars(
        coin,
        days_before(9),
        # 9 ... 0 days before the last one; a week before it is the third
        [40.0, 45.0, 62.5, 70.0, 80.0, 80.0, 80.0, 90.0, 100.0, 125.0],
        high=[50.0, 50.0, 65.0, 75.0, 130.0, 130.0, 85.0, None, 110.0, 126.0],
        low=[39.0, 39.0, 60.0, 62.5, 75.0, 75.0, 75.0, 85.0, 95.0, 99.0],
        volume=[None] * 9 + [7_000.0],
        market_cap=[None] * 9 + [1_250.0],
    )

    assert closing_quotes.set_from_last_bars([coin.pk], at=NOON) == 1

    assert quote(coin) == {
        "asset_id": coin.pk,
        "as_of": CLOSE_OF_LAST,
        "received_at": NOON,
        "source_id": Quote.objects.get().source.pk,
        "rank": 1,
        "price": 125.0,
        "market_cap": 1_250.0,
        "volume_24h": 7_000.0,
        "change_24h": 25.0,
        "change_7d": 100.0,
        "high_24h": 126.0,
        "low_24h": 99.0,
        "ath": 130.0,
        "ath_at": midnight(days_before(5)),
        "atl": 39.0,
        "atl_at": midnight(days_before(9)),
    }
    assert Quote.objects.get().source.name == "observer"


@pytest.mark.parametrize(
    ("closes", "changes"),
    [
        ([4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 6.0], {"change_24h": (6 / 5 - 1) * 100, "change_7d": 50.0}),
        ([4.0, 5.0, 5.0, 5.0, 5.0, 5.0, None, 6.0], {"change_7d": 50.0}),
        ([None, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 3.0], {"change_24h": -40.0}),
        ([None, 5.0, None, None, None, None, None, 3.0], {}),
    ],
)
def test_change_is_against_exactly_the_day_before_and_the_week_before_or_missing(closes, changes):
    coin = AssetFactory.create()
    store_daily_bars(coin, days_before(7), closes)

    closing_quotes.set_from_last_bars([coin.pk], at=NOON)

    found = quote(coin)
    assert {name: pytest.approx(value) for name, value in found.items() if "change" in name} == changes


@pytest.mark.parametrize(("before", "last"), [(1e-300, 1e300), (1e300, 1e-300), (5e-324, 1.7976931348623157e308)])
def test_change_beyond_all_measure_is_missing(before, last):
    coin = AssetFactory.create()
    store_daily_bars(coin, days_before(1), [before, last])

    assert closing_quotes.set_from_last_bars([coin.pk], at=NOON) == 1

    assert (quote(coin)["price"], "change_24h" in quote(coin)) == (last, False)


def test_bar_of_a_day_that_still_lasts_is_as_of_now():
    coin = AssetFactory.create()
    store_daily_bars(coin, NOON.date(), [125.0])

    closing_quotes.set_from_last_bars([coin.pk], at=NOON)

    assert quote(coin)["as_of"] == NOON


def test_extremes_come_from_closes_where_high_and_low_are_missing():
    coin = AssetFactory.create()
    store_daily_bars(coin, days_before(2), [7.0, 3.0, 5.0])

    closing_quotes.set_from_last_bars([coin.pk], at=NOON)

    found = quote(coin)
    assert (found["ath"], found["ath_at"]) == (7.0, midnight(days_before(2)))
    assert (found["atl"], found["atl_at"]) == (3.0, midnight(days_before(1)))
    assert not {"high_24h", "low_24h", "volume_24h", "market_cap", "rank"} & found.keys()


@pytest.mark.parametrize("as_of", [CLOSE_OF_LAST, CLOSE_OF_LAST + timedelta(seconds=1), NOON])
def test_quote_that_is_as_new_or_newer_stays(as_of):
    coin = AssetFactory.create()
    store_daily_bars(coin, LAST, [125.0])
    QuoteFactory.create(asset=coin, as_of=as_of, price=1.0)
    before, version = quote(coin), Market.objects.get().data_version

    assert closing_quotes.set_from_last_bars([coin.pk], at=NOON) == 0

    assert (quote(coin), Market.objects.get().data_version) == (before, version)


def test_older_quote_gives_way_with_its_hourly_change_and_keeps_what_bars_do_not_tell():
    coin = AssetFactory.create()
    store_daily_bars(coin, LAST, [125.0])
    QuoteFactory.create(
        asset=coin,
        as_of=CLOSE_OF_LAST - timedelta(seconds=1),
        price=1.0,
        change_1h=2.0,
        change_24h=3.0,
        max_supply=21e6,
    )

    assert closing_quotes.set_from_last_bars([coin.pk], at=NOON) == 1

    found = quote(coin)
    assert (found["price"], found["as_of"], found["max_supply"]) == (125.0, CLOSE_OF_LAST, 21e6)
    assert not {"change_1h", "change_24h"} & found.keys()


def test_only_the_assets_asked_for_that_have_bars_are_quoted():
    coin, other, without = AssetFactory.create_batch(3)
    for asset in (coin, other):
        store_daily_bars(asset, LAST, [1.0])

    assert closing_quotes.set_from_last_bars([coin.pk, without.pk], at=NOON) == 1
    assert closing_quotes.set_from_last_bars([], at=NOON) == 0

    assert list(Quote.objects.values_list("asset_id", flat=True)) == [coin.pk]


def test_ranks_follow_the_market_caps():
    small, large, unknown = AssetFactory.create_batch(3)
    for asset, cap in ((small, 10.0), (large, 90.0), (unknown, None)):
        store_daily_bars(asset, LAST, [1.0], market_cap=[cap])

    closing_quotes.set_from_last_bars([small.pk, large.pk, unknown.pk], at=NOON)

    assert dict(Quote.objects.values_list("asset_id", "rank")) == {large.pk: 1, small.pk: 2, unknown.pk: None}


def test_data_version_moves_once_for_all_quotes_of_one_call():
    coins = AssetFactory.create_batch(3)
    for coin in coins:
        store_daily_bars(coin, LAST, [1.0])
    before = Market.objects.get().data_version

    closing_quotes.set_from_last_bars([coin.pk for coin in coins], at=NOON)

    assert Market.objects.get().data_version == before + 1


def test_number_of_statements_does_not_grow_with_the_assets():
    counts = []
    for size in (1, 12):
        coins = AssetFactory.create_batch(size)
        for coin in coins:
            store_daily_bars(coin, LAST, [1.0])
        with statements() as said:
            closing_quotes.set_from_last_bars([coin.pk for coin in coins], at=NOON)
        counts.append(len(said))

    assert counts[0] == counts[1]


def test_price_set_by_hand_stays_while_it_holds():
    coin = AssetFactory.create()
    QuoteFactory.create(asset=coin, price=50.0, as_of=midnight(days_before(2)))
    override = PriceOverrideFactory.create(asset=coin, starts_at=midnight(days_before(2)), ends_at=NOON)
    store_daily_bars(coin, LAST, [77.0])

    assert closing_quotes.set_from_last_bars([coin.pk], at=override.ends_at - timedelta(seconds=1)) == 0
    assert Quote.objects.get().price == 50.0

    assert closing_quotes.set_from_last_bars([coin.pk], at=override.ends_at) == 1
    assert Quote.objects.get().price == 77.0
