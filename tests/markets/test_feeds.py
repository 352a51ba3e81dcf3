from typing import Any

import pytest

from config.kernel import clock
from config.kernel.errors import ProviderUnavailable, ValidationFailed
from markets import feeds
from markets.errors import MarketIsSimulated
from markets.models import ProviderState
from markets.runs import simulation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.MARKET_PROVIDERS = ["coingecko", "coinmarketcap"]
    settings.COINGECKO_API_KEY = ""
    settings.COINMARKETCAP_API_KEY = "k" * 32


def names(name: str | None = None) -> list[str]:
    return [provider.name for provider in feeds.providers(name)]


def test_providers_come_in_the_order_of_the_settings(settings: Any) -> None:
    assert names() == ["coingecko", "coinmarketcap"]
    settings.MARKET_PROVIDERS = ["coinmarketcap", "coingecko"]
    assert names() == ["coinmarketcap", "coingecko"]


def test_a_provider_that_needs_a_key_is_left_out_without_one(settings: Any) -> None:
    settings.COINMARKETCAP_API_KEY = ""

    assert names() == ["coingecko"]


def test_a_named_provider_is_asked_alone() -> None:
    assert names("coinmarketcap") == ["coinmarketcap"]


def test_a_disabled_provider_is_left_out() -> None:
    ProviderState.objects.create(name="coingecko", is_enabled=False)

    assert names() == ["coinmarketcap"]
    with pytest.raises(ProviderUnavailable):
        feeds.providers("coingecko")


def test_a_simulated_market_knows_its_simulation_only() -> None:
    simulation.perform(simulation.Parameters(assets=3, days=5, seed=1), at=clock.now())

    assert names() == ["simulated"]
    assert names("simulated") == ["simulated"]
    with pytest.raises(MarketIsSimulated):
        feeds.providers("coingecko")


def test_a_real_market_has_no_place_for_simulated_prices() -> None:
    with pytest.raises(ValidationFailed):
        feeds.providers("simulated")
