"""The providers that this installation may ask, in the order in which it asks them."""

from functools import lru_cache

from django.conf import settings
from django_redis import get_redis_connection

from config.kernel.errors import ProviderUnavailable, ValidationFailed
from markets.actions import market, provider_states
from markets.errors import MarketIsSimulated, NotReadable
from markets.models import NewsFeed
from markets.providers.alternative_me import AlternativeMe
from markets.providers.indicators import Observer
from markets.providers.news import FeedReader
from markets.providers.provider import Provider
from markets.providers.registry import ProviderConfig, alternative_me, feed_reader, provider
from markets.providers.simulated import Simulated
from markets.providers.simulation import SimulatedMarket
from markets.providers.store import RedisStore

_KEYLESS = frozenset({"coingecko"})
"""Providers that answer without a key."""


def providers(name: str | None = None) -> list[Provider]:
    """The named provider, or all that the settings name and no operator has disabled.

    A simulated market is fed by its simulation alone: raises `MarketIsSimulated` for any other name. Raises
    `ProviderUnavailable` when nobody is left to ask.
    """
    simulation = market.simulation()
    if simulation is not None:
        if name not in (None, Simulated.name):
            raise MarketIsSimulated
        return [_simulated(simulation)]
    if name == Simulated.name:
        raise ValidationFailed(fields={"provider": ["This market is real; simulated prices have no place in it."]})
    disabled = provider_states.disabled()
    wanted = [name] if name else [known for known in settings.MARKET_PROVIDERS if known in _KEYLESS or _keys()[known]]
    allowed = [known for known in wanted if known not in disabled]
    if not allowed:
        raise ProviderUnavailable("No provider may be asked: give a key in the settings or enable one in the admin.")
    return [_real(known) for known in allowed]


def observers() -> list[Observer]:
    """The providers that know the market as a whole, in the order in which they are asked. Raises as `providers`."""
    return [known for known in providers() if isinstance(known, Observer)]


def fear_and_greed() -> Observer:
    """Who says how fearful the real market is; raises `MarketIsSimulated`, and `ProviderUnavailable` if disabled."""
    if market.simulation() is not None:
        raise MarketIsSimulated
    if AlternativeMe.name in provider_states.disabled():
        raise ProviderUnavailable("An operator has disabled this provider.")
    return _alternative_me()


def news_readers() -> list[tuple[NewsFeed, FeedReader]]:
    """The feeds that may be read; none in a simulated market, whose coins are in no news."""
    if market.simulation() is not None:
        return []
    disabled = provider_states.disabled()
    return [
        (feed, _reader_of(feed.provider, feed.url)) for feed in NewsFeed.objects.all() if feed.provider not in disabled
    ]


def reader(name: str) -> Provider:
    """The named provider, to read again what it once said; whether it may be asked does not matter.

    Raises `MarketIsSimulated` for a real one in a simulated market, `NotReadable` for a name that means nothing here.
    """
    simulation = market.simulation()
    if simulation is not None and name == Simulated.name:
        return _simulated(simulation)
    if name not in _keys():
        raise NotReadable
    if simulation is not None:
        raise MarketIsSimulated
    return _real(name)


@lru_cache(maxsize=1)
def _simulated(simulation: market.Simulation) -> Simulated:
    # Kept: its prices of the day are worked out once.
    return Simulated(SimulatedMarket(simulation.seed, simulation.assets, simulation.days, simulation.end))


@lru_cache
def _real(name: str) -> Provider:
    # Kept: its connections stay open. Budget and breaker are shared with the other processes through Redis.
    return provider(
        name,
        ProviderConfig(
            api_key=_keys()[name],
            plan=settings.COINGECKO_PLAN,
            store=_store(),
        ),
    )


@lru_cache(maxsize=1)
def _alternative_me() -> AlternativeMe:
    return alternative_me(ProviderConfig(store=_store()))


@lru_cache(maxsize=100)
def _reader_of(name: str, url: str) -> FeedReader:
    return feed_reader(name, url, ProviderConfig(store=_store()))


def _store() -> RedisStore:
    return RedisStore(get_redis_connection("default"), "provider:")


def _keys() -> dict[str, str]:
    return {"coingecko": settings.COINGECKO_API_KEY or "", "coinmarketcap": settings.COINMARKETCAP_API_KEY or ""}
