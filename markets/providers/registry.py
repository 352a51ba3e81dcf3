"""Every provider that can be asked by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from markets.providers.alternative_me import AlternativeMe
from markets.providers.breaker import Breaker
from markets.providers.budget import Budget, Quota
from markets.providers.client import Client
from markets.providers.coingecko import CoinGecko
from markets.providers.coinmarketcap import CoinMarketCap
from markets.providers.news import ACCEPT, BYTE_CAP, FeedReader, origin, refuse_unless_feed
from markets.providers.provider import Provider
from markets.providers.simulated import Simulated
from markets.providers.simulation import SimulatedMarket
from markets.providers.store import MemoryStore, StateStore
from markets.providers.transport import public_transport

Plan = Literal["keyless", "demo", "pro"]

MONTH = 30 * 86_400.0

# What the plans promise, with some room for calls made by others from the same address or with the same key.
COINGECKO_QUOTAS: Mapping[Plan, Sequence[Quota]] = {
    "keyless": (Quota(10, 60),),
    "demo": (Quota(28, 60), Quota(10_000, MONTH)),
    "pro": (Quota(450, 60),),
}
COINMARKETCAP_QUOTAS = (Quota(28, 60), Quota(10_000, MONTH))
COINGECKO_URLS: Mapping[Plan, str] = {
    "keyless": "https://api.coingecko.com/api/v3",
    "demo": "https://api.coingecko.com/api/v3",
    "pro": "https://pro-api.coingecko.com/api/v3",
}
COINGECKO_KEY_HEADERS: Mapping[Plan, str] = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}
COINMARKETCAP_URL = "https://pro-api.coinmarketcap.com"
ALTERNATIVE_ME_QUOTAS = (Quota(30, 60),)
ALTERNATIVE_ME_URL = "https://api.alternative.me"
FEED_QUOTAS = (Quota(20, 3_600, burst=6),)


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """What a provider needs to know of the deployment; each reads its own part.

    `store` is shared by the processes where it is a `RedisStore`. The `simulated_` fields define the simulated
    market and must be those with which its history was made. `base_url` replaces the provider's own.
    """

    api_key: str = field(default="", repr=False)
    plan: Plan = "keyless"
    base_url: str = ""
    user_agent: str = "market-data-client/1.0"
    store: StateStore = field(default_factory=MemoryStore)
    deadline_seconds: float = 20.0
    simulated_seed: int = 1
    simulated_assets: int = 200
    simulated_days: int = 1_095
    simulated_end: date = date(2026, 1, 1)


def _client(name: str, url: str, quotas: Sequence[Quota], headers: Mapping[str, str], config: ProviderConfig) -> Client:
    return Client(
        name,
        config.base_url or url,
        headers=headers,
        budget=Budget(name, quotas, config.store),
        breaker=Breaker(name, config.store),
        user_agent=config.user_agent,
        deadline_seconds=config.deadline_seconds,
    )


def _coingecko(config: ProviderConfig) -> Provider:
    plan = config.plan if config.api_key else "keyless"
    headers = {COINGECKO_KEY_HEADERS[plan]: config.api_key} if plan != "keyless" else {}
    client = _client("coingecko", COINGECKO_URLS[plan], COINGECKO_QUOTAS[plan], headers, config)
    return CoinGecko(client, free_plan=plan != "pro")


def _coinmarketcap(config: ProviderConfig) -> Provider:
    headers = {"X-CMC_PRO_API_KEY": config.api_key} if config.api_key else {}
    return CoinMarketCap(_client("coinmarketcap", COINMARKETCAP_URL, COINMARKETCAP_QUOTAS, headers, config))


def _simulated(config: ProviderConfig) -> Provider:
    market = SimulatedMarket(
        config.simulated_seed, config.simulated_assets, config.simulated_days, config.simulated_end
    )
    return Simulated(market)


FACTORIES: Mapping[str, Callable[[ProviderConfig], Provider]] = {
    "coingecko": _coingecko,
    "coinmarketcap": _coinmarketcap,
    "simulated": _simulated,
}


def provider(name: str, config: ProviderConfig) -> Provider:
    """The provider of that name. `KeyError` for a name that `FACTORIES` does not have."""
    return FACTORIES[name](config)


def alternative_me(config: ProviderConfig) -> AlternativeMe:
    """The source of the Fear & Greed index, which knows no prices and is therefore none of `FACTORIES`."""
    return AlternativeMe(_client(AlternativeMe.name, ALTERNATIVE_ME_URL, ALTERNATIVE_ME_QUOTAS, {}, config))


def feed_reader(name: str, url: str, config: ProviderConfig) -> FeedReader:
    """Who reads the feed at `url`, which somebody entered: only public addresses are connected to."""
    client = Client(
        name,
        origin(url),
        budget=Budget(name, FEED_QUOTAS, config.store),
        breaker=Breaker(name, config.store),
        user_agent=config.user_agent,
        accept=ACCEPT,
        refuse=refuse_unless_feed,
        is_secure=False,
        deadline_seconds=config.deadline_seconds,
        byte_cap=BYTE_CAP,
        attempts=2,
        transport=public_transport(),
    )
    return FeedReader(client, url)
