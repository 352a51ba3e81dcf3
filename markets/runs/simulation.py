"""Filling an empty market with invented prices."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from django.db import transaction

from config.kernel.errors import Conflict
from markets.actions import closing_quotes, market, quotes
from markets.actions.bars import StoredBars
from markets.actions.market import Simulation
from markets.models import Asset
from markets.providers.listings import Listings
from markets.providers.simulated import Simulated
from markets.providers.simulation import SimulatedMarket
from markets.runs.price_import import store_bars

log = structlog.get_logger(__name__)


class MarketNotEmpty(Conflict):
    code = "market_not_empty"
    message = "This market has assets already; simulated prices are only made in an empty one."


@dataclass(frozen=True, slots=True)
class Parameters:
    """The size of the market and the seed from which every number follows."""

    assets: int
    days: int
    seed: int


@transaction.atomic
def perform(
    parameters: Parameters, *, at: datetime, on_progress: Callable[[int], None] = lambda bars: None
) -> StoredBars:
    """Make a simulated market whose last complete day is yesterday; all of it, or nothing.

    Raises `MarketNotEmpty` where there are assets.
    """
    if Asset.objects.exists():
        raise MarketNotEmpty
    simulation = Simulation(parameters.seed, parameters.assets, parameters.days, end=at.astimezone(UTC).date())
    simulated = SimulatedMarket(simulation.seed, simulation.assets, simulation.days, simulation.end)
    market.mark_simulated(simulation, at=at)
    provider = Simulated(simulated)
    # Listings first: they know names and categories, and the bars then find their assets.
    listings = Listings.concat(page for _, page in provider.listings(parameters.assets, at))
    quotes.store(listings, provider=provider.name, is_simulated=True, at=at)
    stored = StoredBars()
    quoted: set[int] = set()
    for batch in simulated.bars():
        asset_ids, part = store_bars(batch, provider=provider.name, is_simulated=True, at=at, on_stored=on_progress)
        stored += part
        quoted.update(asset_ids)
    closing_quotes.set_from_last_bars(sorted(quoted), at=at)
    log.info("simulation.stored", assets=parameters.assets, bars=stored.inserted, seed=parameters.seed)
    return stored
