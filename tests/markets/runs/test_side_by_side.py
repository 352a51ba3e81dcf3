"""What happens at the same time: syncs of one provider, a sync and an import, a sync and another market."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from config.kernel import clock
from markets import feeds
from markets.actions import closing_quotes, market, quotes
from markets.actions.market import Simulation
from markets.errors import MarketIsOfAnotherKind
from markets.models import Asset, Quote, Snapshot, SyncRun
from markets.providers.listings import Listings
from markets.providers.provider import RawAnswer
from markets.runs import price_import, sync
from markets.runs.sync import Parameters
from tests.markets.actions.test_quotes import BITCOIN, listings
from tests.markets.factories import NOON
from tests.markets.runs.test_sync import Scripted, coin

pytestmark = pytest.mark.integration

HEADER = "symbol,name,date,close,market_cap\n"


@pytest.fixture
def beside(committed_db: Any) -> Iterator[Callable[..., Future[Any]]]:
    """Runs a function in a thread with a connection of its own."""

    def run(function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *arguments: pool.submit(run, function, *arguments)


def until_it_waits(other: Future[Any]) -> None:
    """Until another session of this database waits for a lock, or the other is done without having waited."""
    with connection.cursor() as cursor:
        while not other.done():
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees the first look again otherwise
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock')"
            )
            if cursor.fetchone() == (True,):
                return


class Interrupted(Scripted):
    """A provider in the middle of whose first answer something else happens."""

    def __init__(self, name: str, meanwhile: Callable[[], Any], *pages: Listings) -> None:
        super().__init__(name, *pages)
        self.meanwhile = meanwhile

    def listings(self, limit: int, at: datetime) -> Iterator[tuple[RawAnswer, Listings]]:
        if self.asked == 0:
            self.asked = 1
            self.meanwhile()
        return super().listings(limit, at)


def use(monkeypatch: pytest.MonkeyPatch, *providers: Scripted) -> None:
    monkeypatch.setattr(feeds, "providers", lambda name=None: list(providers))


def test_sync_during_an_import_waits_for_it_and_neither_fails(
    beside: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quotes.store(listings(BITCOIN | {"name": "Bitcoin"}), provider="coingecko", at=NOON)
    (path := tmp_path / "prices.csv").write_text(HEADER + "BTC,Bitcoin,2026-03-12,150,3e9\n")
    use(monkeypatch, Scripted("coingecko", coin(101.0, name="Bitcoin", as_of=NOON + timedelta(days=2))))
    syncs: list[Future[SyncRun]] = []

    def after_a_sync_has_started(*arguments: Any, **options: Any) -> int:
        syncs.append(beside(sync.sync, Parameters(limit=50)))
        until_it_waits(syncs[0])
        return set_from_last_bars(*arguments, **options)

    set_from_last_bars = closing_quotes.set_from_last_bars
    monkeypatch.setattr(closing_quotes, "set_from_last_bars", after_a_sync_has_started)
    report = price_import.perform(price_import.Parameters(path), at=NOON + timedelta(days=3))

    assert (report.is_stored, report.quoted) == (True, 1)
    assert syncs[0].result().state == SyncRun.State.SUCCEEDED
    assert Quote.objects.get().price == 101.0


def test_sync_is_not_put_off_while_another_provider_confirms_prices(
    beside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[SyncRun] = []
    second = Interrupted(
        "coinmarketcap", lambda: runs.append(beside(sync.sync, Parameters(limit=50)).result()), coin(100.0)
    )
    use(monkeypatch, Scripted("coingecko", coin(100.0)), second)

    first = sync.sync(Parameters(limit=200, cross_check=True))

    assert [(run.provider, run.state) for run in (first, *runs)] == [("coingecko", SyncRun.State.SUCCEEDED)] * 2


def test_sync_of_many_assets_waits_for_one_of_few_and_then_fetches_them(
    beside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    large: list[Future[SyncRun]] = []

    def start_the_large_one() -> None:
        large.append(beside(sync.sync, Parameters(limit=200)))
        until_it_waits(large[0])

    use(monkeypatch, Interrupted("coingecko", start_the_large_one, coin(100.0)))

    small = sync.sync(Parameters(limit=50))

    assert (small.limit, large[0].result().limit) == (50, 200)
    assert list(SyncRun.objects.order_by("pk").values_list("limit", "state")) == [(50, "succeeded"), (200, "succeeded")]


def test_simulated_rows_that_arrive_after_the_market_became_real_are_not_stored(
    committed_db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.mark_simulated(Simulation(seed=1, assets=1, days=1, end=NOON.date()), at=NOON)
    provider = Interrupted("simulated", lambda: market.clear(at=NOON), coin(100.0))
    provider.is_simulated = True
    use(monkeypatch, provider)

    with pytest.raises(MarketIsOfAnotherKind):
        sync.sync(Parameters())

    assert not any(model.objects.exists() for model in (Asset, Quote, Snapshot, SyncRun))


def test_real_rows_are_not_stored_in_a_simulated_market_and_the_run_tells(
    committed_db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = Simulation(seed=1, assets=1, days=1, end=NOON.date())
    use(monkeypatch, Interrupted("coingecko", lambda: market.mark_simulated(simulated, at=clock.now()), coin(100.0)))

    with pytest.raises(MarketIsOfAnotherKind):
        sync.sync(Parameters())

    assert not Asset.objects.exists()
    run = SyncRun.objects.get()
    assert (run.state, run.error_code, run.error) == (SyncRun.State.FAILED, "not_stored", "MarketIsOfAnotherKind")
