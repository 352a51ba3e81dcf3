from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from markets.actions import quotes
from markets.actions.quotes import StoredQuotes
from markets.models import Asset, ExternalId, Market, PriceOverride, QuarantinedRecord, Quote, Snapshot
from markets.providers.listings import MISSING_INSTANT, NUMBERS, Listings
from markets.providers.rejects import Reject
from tests.accounts.factories import UserFactory
from tests.markets.factories import NOON

pytestmark = pytest.mark.django_db


def listings(*coins: dict[str, Any]) -> Listings:
    """A page of coins: `id`, `as_of` and any number of `Listings` by name; the rest is missing."""
    size = len(coins)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    numbers: dict[str, Any] = {
        name: np.array([coin.get(name, np.nan) for coin in coins], dtype=np.float64) for name in NUMBERS
    }
    return Listings(
        external_id=[coin["id"] for coin in coins],
        symbol=[coin.get("symbol", coin["id"][:3]) for coin in coins],
        name=[coin.get("name", coin["id"].title()) for coin in coins],
        slug=[coin.get("slug", coin["id"]) for coin in coins],
        image=[coin.get("image", "") for coin in coins],
        as_of=np.array([(coin.get("as_of", NOON) - epoch) // timedelta(microseconds=1) for coin in coins]),
        ath_at=np.full(size, MISSING_INSTANT),
        atl_at=np.full(size, MISSING_INSTANT),
        categories=[coin.get("categories", ()) for coin in coins],
        **numbers,
    )


def store(*coins: dict[str, Any], provider: str = "coingecko", at: datetime = NOON) -> StoredQuotes:
    return quotes.store(listings(*coins), provider=provider, at=at)


BITCOIN = {"id": "bitcoin", "symbol": "btc", "price": 100.0, "market_cap": 2e9, "volume": 3e6, "rank": 1}


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_a_new_coin_gets_an_asset_a_quote_and_a_snapshot() -> None:
    assert store(BITCOIN) == StoredQuotes(inserted=1, updated=0, unchanged=0, quarantined=0)

    quote = Quote.objects.select_related("asset", "source").get()
    assert (quote.asset.slug, quote.asset.symbol, quote.source.name) == ("bitcoin", "BTC", "coingecko")
    assert (quote.price, quote.market_cap, quote.volume_24h, quote.rank) == (100.0, 2e9, 3e6, 1)
    assert (quote.change_1h, quote.ath, quote.ath_at, quote.max_supply) == (None, None, None, None)
    assert quote.as_of == NOON
    assert list(Snapshot.objects.values_list("at", "price", "market_cap", "volume")) == [(NOON, 100.0, 2e9, 3e6)]


def test_extremes_keep_their_instants() -> None:
    page = listings(BITCOIN | {"ath": 120.0})
    page.ath_at[0] = 1_500_000_000_000_000

    quotes.store(page, provider="coingecko", at=NOON)

    assert Quote.objects.get().ath_at == datetime.fromtimestamp(1_500_000_000, tz=UTC)
    assert Quote.objects.get().atl_at is None


def test_the_same_answer_again_changes_nothing() -> None:
    store(BITCOIN)
    version = Market.objects.get().data_version

    assert store(BITCOIN) == StoredQuotes(inserted=0, updated=0, unchanged=1, quarantined=0)
    assert Market.objects.get().data_version == version
    assert Snapshot.objects.count() == 1


def test_a_newer_quote_replaces_and_a_value_no_longer_reported_is_missing() -> None:
    store(BITCOIN)

    assert store({"id": "bitcoin", "symbol": "btc", "price": 101.0, "as_of": later(5)}).updated == 1

    quote = Quote.objects.get()
    assert (quote.price, quote.market_cap, quote.rank, quote.as_of) == (101.0, None, None, later(5))
    assert Snapshot.objects.count() == 2


def test_a_late_answer_leaves_the_quote_and_adds_its_snapshot_once() -> None:
    store(BITCOIN | {"as_of": later(5)})

    late = [store(BITCOIN | {"price": 99.0}) for _ in range(2)]

    assert late == [StoredQuotes(0, 0, 1, 0)] * 2
    assert Quote.objects.get().price == 100.0
    assert list(Snapshot.objects.order_by("at").values_list("price", flat=True)) == [99.0, 100.0]


class AnyOrder(TestCase):
    @given(order=st.permutations(range(4)), repeated=st.integers(0, 3))
    def test_reordered_and_repeated_answers_end_in_the_same_tables(self, order: list[int], repeated: int) -> None:
        Snapshot.objects.all().delete()
        Asset.objects.all().delete()
        answers = [BITCOIN | {"price": 100.0 + minute, "as_of": later(minute)} for minute in range(4)]

        for index in [*order, repeated]:
            store(answers[index])

        assert Quote.objects.get().price == 103.0
        assert list(Snapshot.objects.order_by("at").values_list("price", flat=True)) == [100.0, 101.0, 102.0, 103.0]


def test_a_coin_without_a_price_is_kept_without_one() -> None:
    store({"id": "ghost", "market_cap": 5.0})

    assert Quote.objects.get().price is None
    assert Snapshot.objects.get().price is None


def test_an_answer_without_a_time_was_seen_now() -> None:
    page = listings(BITCOIN)
    page.as_of[0] = MISSING_INSTANT

    quotes.store(page, provider="coingecko", at=later(3))

    assert Quote.objects.get().as_of == later(3)


@pytest.mark.parametrize(
    ("factor", "days", "is_believed"),
    [
        (1_000.0, 0.01, False),
        (0.001, 0.01, False),
        (19.0, 0.5, True),
        (21.0, 0.5, False),
        (21.0, 20.0, True),
        (101.0, 20.0, False),
        (999.0, 400.0, True),
        (1_001.0, 400.0, False),
    ],
)
def test_a_price_that_moved_beyond_belief_is_held_back(factor: float, days: float, is_believed: bool) -> None:
    store(BITCOIN)
    moved = BITCOIN | {"price": 100.0 * factor, "as_of": NOON + timedelta(days=days)}

    result = store(moved, at=NOON + timedelta(days=days))

    assert (result.updated, result.quarantined) == (int(is_believed), int(not is_believed))
    assert Quote.objects.get().price == pytest.approx(100.0 * factor if is_believed else 100.0)
    assert Snapshot.objects.count() == (2 if is_believed else 1)
    assert list(QuarantinedRecord.objects.values_list("reason", "external_id")) == (
        [] if is_believed else [("implausible_jump", "bitcoin")]
    )


def test_rejects_are_kept_once_and_counted() -> None:
    bad = Reject("junk", "negative", "price -1", "{}")
    page = replace(listings(BITCOIN), rejects=[bad])

    for _ in range(2):
        result = quotes.store(page, provider="coingecko", at=NOON)

    assert (result.quarantined, result.unchanged) == (1, 1)
    assert list(QuarantinedRecord.objects.values_list("reason", "times_seen", "state")) == [("negative", 2, "open")]


def test_a_price_set_by_hand_stays() -> None:
    store(BITCOIN)
    asset = Asset.objects.get()
    PriceOverride.objects.create(
        asset=asset, price=55.0, reason="wrong feed", starts_at=NOON, ends_at=later(60), created_by=UserFactory.create()
    )

    during = store(BITCOIN | {"price": 101.0, "as_of": later(5)}, at=later(5))
    after = store(BITCOIN | {"price": 102.0, "as_of": later(61)}, at=later(61))

    assert (during.updated, during.unchanged, after.updated) == (0, 1, 1)
    assert Quote.objects.get().price == 102.0


def test_another_provider_means_the_same_asset_by_slug_or_by_name() -> None:
    store(BITCOIN, {"id": "binancecoin", "symbol": "bnb", "name": "BNB", "price": 5.0})

    store(
        {"id": "1", "symbol": "BTC", "name": "Bitcoin!", "slug": "bitcoin", "price": 100.5, "as_of": later(1)},
        {"id": "1839", "symbol": "BNB", "name": "BNB", "slug": "bnb", "price": 5.1, "as_of": later(1)},
        provider="coinmarketcap",
    )

    assert Asset.objects.count() == 2
    assert ExternalId.objects.count() == 4


def test_coins_that_share_a_symbol_stay_apart() -> None:
    store(BITCOIN, {"id": "batcat", "symbol": "btc", "price": 1.0})

    assert list(Asset.objects.order_by("slug").values_list("slug", "symbol")) == [("batcat", "BTC"), ("bitcoin", "BTC")]


def test_coins_that_share_a_slug_get_slugs_of_their_own() -> None:
    store(BITCOIN)

    store({"id": "other", "slug": "bitcoin", "symbol": "XBT", "price": 1.0})
    store({"id": "third", "slug": "bitcoin", "symbol": "XBT", "name": "Third", "price": 1.0}, provider="coinmarketcap")

    assert list(Asset.objects.order_by("pk").values_list("slug", flat=True)) == [
        "bitcoin",
        "bitcoin-xbt",
        "bitcoin-xbt-2",
    ]


def test_a_renamed_coin_keeps_its_asset_and_is_found_by_its_new_name() -> None:
    store(BITCOIN)

    store(BITCOIN | {"symbol": "xbt", "name": "Bitcoin Core", "image": "https://x/y.png", "as_of": later(1)})

    asset = Asset.objects.get()
    assert (asset.slug, asset.symbol, asset.name, asset.image) == ("bitcoin", "XBT", "Bitcoin Core", "https://x/y.png")
    assert asset.search_key == "bitcoin core\nbitcoin\nxbt"


def test_a_new_coin_is_put_into_the_categories_it_came_with() -> None:
    store(BITCOIN | {"categories": ("Layer 1", "store-of-value")})

    assert sorted(Asset.objects.get().categories.values_list("slug", flat=True)) == ["layer-1", "store-of-value"]


def test_a_failure_on_the_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr("markets.actions.quotes.market.touch", fail)

    with pytest.raises(RuntimeError):
        store(BITCOIN)

    assert not Asset.objects.exists()
    assert not Snapshot.objects.exists()
