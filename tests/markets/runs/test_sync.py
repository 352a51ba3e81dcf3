"""Syncs with providers that answer as told; the outside world is the only thing replaced."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from django.db import connections

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import Job
from config import pipelines
from config.kernel import clock
from markets import feeds
from markets.errors import MarketIsSimulated
from markets.models import Asset, Divergence, ProviderState, Quote, RawAnswer, SyncRun
from markets.providers.bars import Bars
from markets.providers.errors import ProviderError, RateLimited, Unavailable
from markets.providers.listings import Listings
from markets.providers.provider import RawAnswer as ProviderAnswer
from markets.runs import simulation, sync
from markets.runs.sync import Parameters
from tests.accounts.factories import UserFactory
from tests.markets.actions.test_quotes import BITCOIN, listings
from tests.markets.factories import NOON, SyncRunFactory

pytestmark = pytest.mark.django_db


class Scripted:
    """A provider that gives these pages, and raises what is among them."""

    label = "Scripted"
    is_simulated = False

    def __init__(self, name: str, *pages: Listings | ProviderError) -> None:
        self.name = name
        self.pages = pages
        self.asked = 0

    def listings(self, limit: int, at: datetime) -> Iterator[tuple[ProviderAnswer, Listings]]:
        self.asked += 1
        for number, page in enumerate(self.pages):
            if isinstance(page, ProviderError):
                raise page
            body = f"{self.name} {number}".encode()
            yield ProviderAnswer(self.name, f"/page/{number}", 200, "application/json", body, at), page

    def daily_history(self, external_id: str, start: date, end: date, at: datetime) -> tuple[None, Bars]:
        raise NotImplementedError

    def parse_listings(self, body: bytes, at: datetime) -> Listings:
        raise NotImplementedError

    def parse_history(self, body: bytes, external_id: str, at: datetime) -> Bars:
        raise NotImplementedError


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(*providers: Scripted) -> None:
        monkeypatch.setattr(feeds, "providers", lambda name=None: list(providers))

    return use


def coin(price: float, **more: Any) -> Listings:
    return listings(BITCOIN | {"price": price} | more)


def test_a_run_tells_what_became_of_every_row(use: Any) -> None:
    use(Scripted("coingecko", coin(100.0)))

    run = sync.sync(Parameters(limit=50))

    assert (run.state, run.provider, run.limit) == (SyncRun.State.SUCCEEDED, "coingecko", 50)
    assert (run.received, run.inserted, run.updated, run.unchanged, run.quarantined) == (1, 1, 0, 0, 0)
    assert run.duration_seconds is not None
    assert Quote.objects.get().price == 100.0


def test_the_answer_is_kept_as_it_came(use: Any) -> None:
    use(Scripted("coingecko", coin(100.0)))

    sync.sync(Parameters())
    sync.sync(Parameters())

    assert list(RawAnswer.objects.values_list("provider", "endpoint", "size")) == [("coingecko", "/page/0", 11)]


def test_the_next_provider_answers_for_one_that_fails(use: Any) -> None:
    use(Scripted("coingecko", RateLimited("coingecko", "slow down")), Scripted("coinmarketcap", coin(100.0)))

    run = sync.sync(Parameters())

    assert (run.state, run.provider) == (SyncRun.State.SUCCEEDED, "coinmarketcap")
    assert "rate_limited" in run.error
    first = ProviderState.objects.get(name="coingecko")
    assert (first.consecutive_failures, first.last_error_code) == (1, "rate_limited")
    assert ProviderState.objects.get(name="coinmarketcap").last_success_at is not None


def test_a_run_that_nobody_answered_failed_and_changed_nothing(use: Any) -> None:
    use(
        Scripted("coingecko", RateLimited("coingecko", "slow down")),
        Scripted("coinmarketcap", Unavailable("coinmarketcap", "down")),
    )

    run = sync.sync(Parameters())

    assert (run.state, run.error_code, run.received) == (SyncRun.State.FAILED, "unavailable", 0)
    assert "rate_limited" in run.error
    assert not Asset.objects.exists()


def test_good_pages_are_kept_when_a_later_one_fails(use: Any) -> None:
    use(Scripted("coingecko", coin(100.0), Unavailable("coingecko", "down")), Scripted("coinmarketcap", coin(5.0)))

    run = sync.sync(Parameters())

    assert (run.state, run.error_code, run.provider, run.inserted) == (SyncRun.State.FAILED, "partial", "coingecko", 1)
    assert Quote.objects.get().price == 100.0


def test_success_ends_a_series_of_failures(use: Any) -> None:
    ProviderState.objects.create(name="coingecko", consecutive_failures=7)
    use(Scripted("coingecko", coin(100.0)))

    sync.sync(Parameters())

    assert ProviderState.objects.get().consecutive_failures == 0


def test_providers_that_disagree_leave_a_divergence(use: Any) -> None:
    use(Scripted("coingecko", coin(100.0)), Scripted("coinmarketcap", coin(106.0, id="1", slug="bitcoin")))

    run = sync.sync(Parameters(cross_check=True))

    found = Divergence.objects.get()
    assert (found.run_id, found.provider, found.price) == (run.pk, "coingecko", 100.0)
    assert (found.other_provider, found.other_price) == ("coinmarketcap", 106.0)
    assert found.deviation == pytest.approx(6.0)
    assert Quote.objects.get().price == 100.0


def test_providers_that_agree_leave_none_and_a_silent_second_harms_nothing(use: Any) -> None:
    first = Scripted("coingecko", coin(100.0))
    use(first, Scripted("coinmarketcap", coin(104.9, id="1", slug="bitcoin")))
    sync.sync(Parameters(cross_check=True))
    use(first, Scripted("coinmarketcap", Unavailable("coinmarketcap", "down")))
    run = sync.sync(Parameters(cross_check=True))

    assert run.state == SyncRun.State.SUCCEEDED
    assert not Divergence.objects.exists()


def test_a_second_opinion_makes_no_assets(use: Any) -> None:
    use(
        Scripted("coingecko", coin(100.0)),
        Scripted("coinmarketcap", listings({"id": "77", "symbol": "NEW", "price": 1.0})),
    )

    sync.sync(Parameters(cross_check=True))

    assert Asset.objects.count() == 1


def test_a_run_whose_process_was_lost_is_closed_by_the_next(use: Any) -> None:
    lost = SyncRunFactory.create(provider="coingecko")
    use(Scripted("coingecko", coin(100.0)))

    sync.sync(Parameters())

    lost.refresh_from_db()
    assert (lost.state, lost.error_code) == (SyncRun.State.FAILED, "interrupted")


def test_two_syncs_of_one_provider_at_once_are_one(use: Any) -> None:
    provider = Scripted("coingecko", coin(100.0))
    use(provider)
    running = SyncRunFactory.create(provider="coingecko")
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('market sync'), hashtext('coingecko'))")
        run = sync.sync(Parameters())
    finally:
        other.close()

    assert (run.pk, provider.asked) == (running.pk, 0)
    assert SyncRun.objects.count() == 1


def test_the_lock_is_given_back_after_success_and_after_failure(use: Any) -> None:
    use(Scripted("coingecko", coin(100.0)))
    sync.sync(Parameters())
    use(Scripted("coingecko", Unavailable("coingecko", "down")))
    sync.sync(Parameters())
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext('market sync'), hashtext('coingecko'))")
            assert cursor.fetchone() == (True,)
    finally:
        other.close()


def test_a_job_reports_progress_and_ends_with_the_counts(use: Any) -> None:
    use(Scripted("coingecko", coin(100.0)))
    job = jobs.start(sync.request(None, Parameters(limit=50), at=NOON).pk, holder=Holder.current())

    pipelines.perform(job)

    job.refresh_from_db()
    assert job.state == Job.State.SUCCEEDED
    assert job.result is not None
    assert (job.result["inserted"], job.result["provider"], job.result["state"]) == (1, "coingecko", "succeeded")
    assert SyncRun.objects.get().job_id == job.pk


def test_a_job_whose_providers_all_fail_is_tried_again_later(use: Any) -> None:
    use(Scripted("coingecko", Unavailable("coingecko", "down")))
    job = jobs.start(sync.request(None, Parameters(), at=NOON).pk, holder=Holder.current())

    pipelines.perform(job)

    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.RETRYING, "provider_unavailable")


def test_a_cancelled_job_stores_no_quotes_and_its_run_says_why(use: Any) -> None:
    use(Scripted("coingecko", coin(100.0)))
    job = jobs.start(sync.request(None, Parameters(limit=50), at=NOON).pk, holder=Holder.current())
    jobs.cancel(job, by=UserFactory.create(), at=NOON)

    pipelines.perform(job)

    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    run = SyncRun.objects.get()
    assert (run.state, run.error_code) == (SyncRun.State.FAILED, "job_cancelled")
    assert not Quote.objects.exists()


def test_a_simulated_market_is_fed_by_its_simulation_alone() -> None:
    simulation.perform(simulation.Parameters(assets=5, days=10, seed=3), at=clock.now())

    run = sync.sync(Parameters(limit=5))

    assert (run.provider, run.state, run.received) == ("simulated", SyncRun.State.SUCCEEDED, 5)
    with pytest.raises(MarketIsSimulated):
        sync.sync(Parameters(provider="coingecko"))
