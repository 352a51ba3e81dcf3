"""Observing the market as a whole."""

from config.kernel import clock
from markets import feeds
from markets.actions import indicators, market
from markets.models import SyncRun
from markets.providers.indicators import Observer
from markets.runs import single_answer


def observe() -> list[SyncRun]:
    """Ask for cap, volume and dominance: whoever answers first with something believable, in the order of the settings.

    One run a provider that was asked, also for those that failed. Raises `ProviderUnavailable` if nobody may be asked.
    """
    runs = []
    for observer in feeds.observers():
        run = _ask(observer)
        runs.append(run)
        if run.received > run.quarantined:
            break
    return runs


def observe_fear_and_greed() -> SyncRun | None:
    """Fetch the whole history of the Fear & Greed index; None in a simulated market, which nobody fears.

    Raises `ProviderUnavailable` if an operator has disabled its one source.
    """
    if market.simulation() is not None:
        return None
    return _ask(feeds.fear_and_greed())


def _ask(observer: Observer) -> SyncRun:
    return single_answer.perform(
        SyncRun.Kind.INDICATORS,
        observer.name,
        ask=lambda: observer.indicators(clock.now()),
        store=lambda judged: indicators.store(
            judged.rows, provider=observer.name, is_simulated=observer.is_simulated, at=clock.now()
        ),
    )
