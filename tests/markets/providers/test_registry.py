import httpx
import pytest
import respx

from markets.providers.coingecko import CoinGecko
from markets.providers.registry import FACTORIES, ProviderConfig, provider
from markets.providers.simulated import Simulated


@pytest.mark.parametrize("name", sorted(FACTORIES))
def test_each_provider_bears_the_name_it_is_asked_by(name: str) -> None:
    made = provider(name, ProviderConfig())

    assert made.name == name
    assert made.label
    assert made.is_simulated is (name == "simulated")


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        provider("nobody", ProviderConfig())


@pytest.mark.parametrize(
    ("config", "host", "header"),
    [
        (ProviderConfig(), "api.coingecko.com", None),
        (ProviderConfig(plan="pro"), "api.coingecko.com", None),  # a plan without a key is no plan
        (ProviderConfig(api_key="k", plan="demo"), "api.coingecko.com", "x-cg-demo-api-key"),
        (ProviderConfig(api_key="k", plan="pro"), "pro-api.coingecko.com", "x-cg-pro-api-key"),
    ],
)
@respx.mock
def test_the_plan_decides_where_coingecko_is_asked_and_in_which_header_the_key_goes(
    config: ProviderConfig, host: str, header: str | None, at
) -> None:
    route = respx.get(host=host).mock(return_value=httpx.Response(200, json=[]))

    list(provider("coingecko", config).listings(1, at))

    sent = route.calls.last.request
    assert {name for name in sent.headers if name.startswith("x-cg")} == ({header} if header else set())
    assert header is None or sent.headers[header] == "k"


@respx.mock
def test_coinmarketcap_gets_its_key_in_its_header(at) -> None:
    body = {"status": {"error_code": 0}, "data": []}
    route = respx.get(host="pro-api.coinmarketcap.com").mock(return_value=httpx.Response(200, json=body))

    list(provider("coinmarketcap", ProviderConfig(api_key="k")).listings(1, at))

    assert route.calls.last.request.headers["X-CMC_PRO_API_KEY"] == "k"


def test_a_key_does_not_show_in_the_config() -> None:
    assert "very-secret" not in repr(ProviderConfig(api_key="very-secret"))


def test_only_a_pro_key_reaches_back_beyond_a_year() -> None:
    pro = provider("coingecko", ProviderConfig(api_key="k", plan="pro"))
    demo = provider("coingecko", ProviderConfig(api_key="k", plan="demo"))

    assert isinstance(pro, CoinGecko)
    assert isinstance(demo, CoinGecko)
    assert (pro._free_plan, demo._free_plan) == (False, True)


def test_the_simulated_market_is_that_of_the_config() -> None:
    made = provider("simulated", ProviderConfig(simulated_seed=5, simulated_assets=12, simulated_days=40))

    assert isinstance(made, Simulated)
    assert (made.market.seed, made.market.assets, made.market.days) == (5, 12, 40)
