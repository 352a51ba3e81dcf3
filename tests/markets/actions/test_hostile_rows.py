"""Rows that a broken or hostile provider sends, from its JSON to the tables."""

import json
from datetime import timedelta
from typing import Any

import pytest

from markets.actions import quotes
from markets.actions.quotes import StoredQuotes
from markets.models import Asset, Category, ExternalId, Market, QuarantinedRecord, Quote
from markets.providers.coingecko import CoinGecko
from markets.providers.coinmarketcap import CoinMarketCap
from tests.markets.actions.test_quotes import BITCOIN, later, store
from tests.markets.factories import NOON

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ROW = {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "current_price": 100.0}


def coingecko_says(*rows: dict[str, Any]) -> StoredQuotes:
    provider = CoinGecko(client=None)  # type: ignore[arg-type]  # nobody is called
    return quotes.store(provider.parse_listings(json.dumps(rows).encode(), NOON), provider="coingecko", at=NOON)


@pytest.mark.parametrize("price", [1.0, "not a number"])
def test_nul_in_an_id_ends_in_quarantine_and_spares_the_other_rows(price: object) -> None:
    assert coingecko_says({"id": "a\0b", "symbol": "x", "name": "X", "current_price": price}, ROW) == StoredQuotes(
        inserted=1, updated=0, unchanged=0, quarantined=1
    )

    assert QuarantinedRecord.objects.get().external_id == "a\N{REPLACEMENT CHARACTER}b"


def test_nul_in_a_tag_is_left_out_of_the_category() -> None:
    row = {"id": 1, "name": "X", "symbol": "X", "slug": "x", "tags": ["lay\0er"], "quote": {"USD": {"price": 1.0}}}
    provider = CoinMarketCap(client=None)  # type: ignore[arg-type]  # nobody is called
    page = provider.parse_listings(json.dumps({"data": [row]}).encode(), NOON)

    quotes.store(page, provider="coinmarketcap", at=NOON)

    assert list(Category.objects.values_list("slug", "name")) == [("layer", "layer")]


@pytest.mark.parametrize(("said", "stored"), [(1, 1), (1e12, None), (-0.5, None), (0, None), (0.5, None)])
def test_rank_that_is_no_place_is_missing(said: float, stored: int | None) -> None:
    result = coingecko_says(ROW | {"market_cap_rank": said})

    assert [quote.rank for quote in Quote.objects.all()] == ([stored] if result.inserted else [])
    assert result.inserted == (said >= 0)


def test_price_left_out_once_does_not_let_any_price_in() -> None:
    store(BITCOIN)
    store(BITCOIN | {"price": float("nan"), "as_of": later(5)})

    assert store(BITCOIN | {"price": 100_000.0, "as_of": later(10)}).quarantined == 1

    assert Quote.objects.get().price is None
    assert store(BITCOIN | {"price": 101.0, "as_of": later(15)}).updated == 1


def test_new_name_is_a_new_version_of_the_data_even_without_a_new_quote() -> None:
    store(BITCOIN)
    before = Market.objects.get().data_version

    assert store(BITCOIN | {"name": "Bitcoin Classic"}).unchanged == 1

    assert Asset.objects.get().name == "Bitcoin Classic"
    assert Market.objects.get().data_version == before + 1


def test_namesake_does_not_take_the_asset_of_the_coin_with_its_slug() -> None:
    store({"id": "pepe", "symbol": "pepe", "name": "Pepe", "price": 1.0})

    store(
        {"id": "9999", "symbol": "pepe", "name": "Pepe", "slug": "pepe-imitation", "price": 1.5},
        {"id": "24478", "symbol": "pepe", "name": "Pepe", "slug": "pepe", "price": 1.01},
        provider="coinmarketcap",
        at=NOON + timedelta(minutes=1),
    )

    known = ExternalId.objects.filter(source__name="coinmarketcap").values_list("external_id", "asset__slug")
    assert dict(known) == {"9999": "pepe-imitation", "24478": "pepe"}


@pytest.mark.parametrize(
    ("said", "is_believed"),
    [
        ({"high_24h": 110.0, "low_24h": 90.0, "ath": 120.0, "atl": 1.0}, True),
        ({"high_24h": 0.11, "low_24h": 0.09}, False),
        ({"high_24h": 110_000.0, "low_24h": 90_000.0}, False),
        ({"ath": 0.12}, False),
        ({"atl": 90_000.0}, False),
        ({"ath": 0, "high_24h": 0}, True),
        ({"current_price": 1e10}, False),
    ],
)
def test_price_at_first_sight_must_agree_with_what_the_row_says_of_it(
    said: dict[str, float], is_believed: bool
) -> None:
    result = coingecko_says(ROW | said)

    assert (result.inserted, result.quarantined) == (is_believed, not is_believed)
    assert [record.reason for record in QuarantinedRecord.objects.all()] == ["price_out_of_range"] * (not is_believed)


def test_a_namesake_of_quite_another_price_is_not_taken_for_the_asset() -> None:
    """Who comes first under a known name does not get the asset, and does not keep it from the right coin."""
    store({"id": "pepe", "symbol": "pepe", "name": "Pepe", "price": 1e-5})
    namesake = {"id": "9999", "symbol": "PEPE", "name": "Pepe", "slug": "pepe-scam", "price": 3.0, "as_of": later(1)}

    refused = store(namesake, provider="coinmarketcap")
    right = store(
        {"id": "24478", "symbol": "PEPE", "name": "Pepe", "slug": "pepe", "price": 1.1e-5, "as_of": later(2)},
        provider="coinmarketcap",
    )

    assert (refused.quarantined, right.updated) == (1, 1)
    assert list(QuarantinedRecord.objects.values_list("reason", "external_id")) == [("identity_unclear", "9999")]
    assert Asset.objects.count() == 1
    assert sorted(ExternalId.objects.values_list("external_id", flat=True)) == ["24478", "pepe"]
    assert Quote.objects.get().price == 1.1e-5
