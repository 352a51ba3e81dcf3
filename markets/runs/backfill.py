"""Daily history of known assets from a provider, an asset at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import structlog

from config.kernel import clock
from markets import feeds, frames, sources
from markets.actions import bars, market, quarantine
from markets.actions.bars import StoredBars
from markets.errors import UnknownAsset
from markets.models import Asset, ExternalId
from markets.providers.bars import Bars, spikes
from markets.providers.errors import NotFound, ProviderError
from markets.providers.provider import Provider
from markets.providers.rejects import Reject

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Days from `start` to `end`, exclusive, of the `limit` largest assets, or only of `slugs`.

    An asset whose bars already cover the window is skipped, so a stopped backfill goes on where it stopped; with
    `again` it is asked for all the same.
    """

    start: date
    end: date
    limit: int
    slugs: tuple[str, ...] = ()
    provider: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What became of one asset: its bars, or why there are none."""

    asset: Asset
    stored: StoredBars
    error: str = ""


def plan(parameters: Parameters) -> tuple[Provider, list[tuple[Asset, str]]]:
    """Whom to ask, and the assets to ask for with the provider's ids of them.

    Raises `UnknownAsset` for a slug that is not listed or that the provider has no id for.
    """
    provider = feeds.providers(parameters.provider)[0]
    known = ExternalId.objects.filter(source_id=sources.id_of(provider.name, is_simulated=provider.is_simulated))
    known = known.filter(asset__is_active=True).select_related("asset").order_by("asset__quote__rank", "asset_id")
    if parameters.slugs:
        known = known.filter(asset__slug__in=parameters.slugs)
        if missing := set(parameters.slugs).difference(known.values_list("asset__slug", flat=True)):
            raise UnknownAsset(f"{provider.name} has no listed asset {', '.join(sorted(missing))}.")
    chosen = [(item.asset, item.external_id) for item in known[: parameters.limit]]
    return provider, [pair for pair in chosen if parameters.again or not _is_covered(pair[0], parameters)]


def perform(
    parameters: Parameters,
    *,
    provider: Provider,
    assets: list[tuple[Asset, str]],
    now: Callable[[], datetime] = clock.now,
) -> Iterator[Backfilled]:
    """Fetch and store asset by asset, each in a transaction of its own.

    An asset that the provider does not know is reported and passed over; any other failure of the provider ends the
    run by raising it, since the next asset would meet it too.
    """
    for asset, external_id in assets:
        try:
            yield Backfilled(asset, _one(provider, asset, external_id, parameters, at=now()))
        except NotFound as error:
            yield Backfilled(asset, StoredBars(), str(error))
        except ProviderError as error:
            log.warning("backfill.stopped", asset=asset.slug, code=error.code)
            raise


def _one(provider: Provider, asset: Asset, external_id: str, parameters: Parameters, *, at: datetime) -> StoredBars:
    _, batch = provider.daily_history(external_id, parameters.start, parameters.end, at)
    lonely = spikes(batch.close)
    rejects = [*batch.rejects, *(_spike(batch, external_id, index) for index in np.flatnonzero(lonely).tolist())]
    quarantine.add(rejects, provider=provider.name, run=None, at=at)
    batch = batch.take(~lonely)
    if not len(batch):
        return StoredBars()
    market.require_kind(is_simulated=provider.is_simulated)
    source_id = sources.id_of(provider.name, is_simulated=provider.is_simulated)
    table = frames.bar_table(
        batch,
        asset_ids=np.full(len(batch.keys), asset.pk, dtype=np.int32),
        source_ids=np.full(len(batch.sources), source_id, dtype=np.int16),
    )
    return bars.store(table, at=at)


def _spike(batch: Bars, external_id: str, index: int) -> Reject:
    day = str(batch.dates[index])
    detail = f"{day}: {batch.close[index]:g} USD, far off the days beside it"
    return Reject(f"{external_id} {day}", "implausible_jump", detail, f"{day} {batch.close[index]!r}")


def _is_covered(asset: Asset, parameters: Parameters) -> bool:
    if asset.bars_from is None or asset.bars_to is None:
        return False
    return asset.bars_from <= parameters.start and asset.bars_to >= parameters.end - timedelta(days=1)
