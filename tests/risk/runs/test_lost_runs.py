"""Runs whose workers vanish: nobody waits for a run that will never end, and nobody disturbs one that lives."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import AuditEntry, Job
from config import pipelines
from risk import tasks
from risk.actions import risk_models
from risk.actions.score_runs import AlreadyScored
from risk.models import RiskModel, RiskScore, ScoreChunk, ScoreRun
from risk.quant.learning import Day
from risk.runs import course, learning, scorecards, scoring
from tests.accounts.factories import UserFactory
from tests.risk.markets import LAST, NOON, held, perform_all, simulated

ASSETS = 8


def begun() -> ScoreRun:
    """A run of three chunks that workers were asked for."""
    scoring.request(None, scoring.Parameters(as_of=LAST.isoformat()), at=NOON)
    perform_all(most=1)
    return ScoreRun.objects.get()


def asked_again() -> int | None:
    """The run that a second request for the same day begins; None where it is refused."""
    model = RiskModel.objects.get()
    job = scoring.request(None, scoring.Parameters(as_of=LAST.isoformat(), model=model.version), at=NOON)
    pipelines.perform_job(job_id=str(job.pk))
    job.refresh_from_db()
    assert job.result is not None
    run: int | None = job.result["runs"][model.version]
    return run


def job_of(run: ScoreRun, number: int = 1) -> Job:
    return Job.objects.get(pk=str(ScoreChunk.objects.get(run=run, number=number).job_id))


def finish_job(run: ScoreRun) -> Job:
    """The job that the last chunk asked for; all chunks are there."""
    perform_all(most=3)
    run.refresh_from_db()
    return Job.objects.get(pk=str(run.finish_job_id))


def vanish(job: Job, *, attempts: int = 1) -> None:
    """As many workers as `attempts` take the job, one after the other, and are never heard of again."""
    for _ in range(attempts):
        Job.objects.filter(pk=job.pk).update(run_after=Now())
        jobs.start(job.pk, holder=Holder("elsewhere", 1, "1"))
        Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
        jobs.reap()
    job.refresh_from_db()


def state(run: ScoreRun) -> tuple[str, str]:
    run.refresh_from_db()
    return run.state, run.error


def ends_well(run: ScoreRun) -> None:
    Job.objects.waiting().update(run_after=Now())
    perform_all()
    assert state(run) == ("finished", "")
    assert RiskScore.objects.filter(run=run).count() == ASSETS


@pytest.fixture
def run(db: None, monkeypatch: pytest.MonkeyPatch) -> ScoreRun:
    simulated(assets=ASSETS, days=100)
    monkeypatch.setattr(course, "begin", partial(course.begin, chunk_assets=3))
    return begun()


@pytest.mark.integration
class TestAlive:
    def test_a_run_whose_messages_were_lost_with_the_broker_is_alive(self, run: ScoreRun) -> None:
        # What Redis forgets: the rows still wait, and are announced again.
        assert (asked_again(), tasks.look_after_runs()) == (None, {"former": 0, "lost": 0})

        assert jobs.relay() == 0  # announced a moment ago
        Job.objects.waiting().update(published_at=None)
        assert jobs.relay() == 3
        ends_well(run)

    def test_a_chunk_that_lost_its_worker_is_measured_by_another(self, run: ScoreRun) -> None:
        vanish(job_of(run), attempts=2)

        assert job_of(run).state == Job.State.RETRYING
        assert (asked_again(), tasks.look_after_runs()) == (None, {"former": 0, "lost": 0})
        ends_well(run)

    def test_a_worker_whose_lease_has_ended_is_not_given_up_before_the_reaper_says_so(self, run: ScoreRun) -> None:
        jobs.start(job_of(run).pk, holder=Holder("elsewhere", 1, "1"))
        Job.objects.running().update(lease_until=Now() - timedelta(seconds=1))

        assert asked_again() is None

    def test_a_run_waits_for_its_end(self, run: ScoreRun) -> None:
        vanish(finish_job(run), attempts=2)

        assert (asked_again(), tasks.look_after_runs()) == (None, {"former": 0, "lost": 0})
        ends_well(run)

    def test_a_worker_killed_between_a_kept_chunk_and_its_job_leaves_nothing_to_do_again(
        self, run: ScoreRun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        last = job_of(run, 2)
        perform_all(most=2)
        attempt = jobs.start(last.pk, holder=Holder("elsewhere", 1, "1"))
        scoring.perform_chunk(attempt)  # the chunk is kept and the end asked for; the process dies before it says so
        Job.objects.filter(pk=last.pk).update(lease_until=Now() - timedelta(seconds=1))
        jobs.reap()
        monkeypatch.setattr(course, "measure", lambda chunk: pytest.fail("measured twice"))

        ends_well(run)
        last.refresh_from_db()
        assert last.result == {"run": run.pk, "chunk": 2, "assets": 0}
        assert Job.objects.filter(kind=scoring.FINISH).count() == 1

    def test_a_chunk_is_kept_only_together_with_the_request_for_the_end(
        self, run: ScoreRun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        last = job_of(run, 2)
        perform_all(most=2)

        def killed(*_: object, **__: object) -> Job:
            raise KeyboardInterrupt

        with monkeypatch.context() as dying:
            dying.setattr(scoring, "_ask_for_finish", killed)
            with pytest.raises(KeyboardInterrupt):
                scoring.perform_chunk(jobs.start(last.pk, holder=Holder("elsewhere", 1, "1")))
        assert ScoreChunk.objects.get(run=run, number=2).state == ScoreChunk.State.WAITING
        Job.objects.filter(pk=last.pk).update(lease_until=Now() - timedelta(seconds=1))
        jobs.reap()

        ends_well(run)


@pytest.mark.integration
class TestLost:
    @staticmethod
    def dead(run: ScoreRun) -> str:
        vanish(job_of(run), attempts=3)
        return "score_chunk is dead, worker_lost"

    @staticmethod
    def cancelled(run: ScoreRun) -> str:
        jobs.cancel(job_of(run), by=UserFactory.create(), at=NOON)
        return "score_chunk is cancelled"

    @staticmethod
    def without_end(run: ScoreRun) -> str:
        vanish(finish_job(run), attempts=3)
        return "finish_scores is dead, worker_lost"

    @staticmethod
    def end_cancelled(run: ScoreRun) -> str:
        jobs.cancel(finish_job(run), by=UserFactory.create(), at=NOON)
        return "finish_scores is cancelled"

    @staticmethod
    def not_kept(run: ScoreRun) -> str:
        """The database was restored to a moment before the chunk was kept."""
        perform_all(most=1)
        ScoreChunk.objects.filter(run=run, number=0).update(state="waiting", done_at=None, packed=None)
        return "score_chunk is succeeded"

    CASES = (dead, cancelled, without_end, end_cancelled, not_kept)

    @pytest.mark.parametrize("lose", CASES)
    def test_another_request_takes_its_place(self, run: ScoreRun, lose: Callable[[ScoreRun], str]) -> None:
        why = lose(run)

        again = asked_again()

        assert state(run) == ("failed", f"A job that it waits for has ended: {why}.")
        second = ScoreRun.objects.latest("pk")
        assert second.pk == again
        assert (second.state, second.attempt) == ("running", 2)
        ends_well(second)
        assert not RiskScore.objects.filter(run=run).exists()

    @pytest.mark.parametrize("lose", CASES)
    def test_it_is_noticed_without_a_request_and_said_once(
        self, run: ScoreRun, lose: Callable[[ScoreRun], str]
    ) -> None:
        why = lose(run)

        assert [tasks.look_after_runs(), tasks.look_after_runs()] == [
            {"former": 0, "lost": 1},
            {"former": 0, "lost": 0},
        ]

        assert state(run) == ("failed", f"A job that it waits for has ended: {why}.")
        assert AuditEntry.objects.about(run).verbs() == ["risk.run.begun", "risk.run.failed"]
        assert not ScoreChunk.objects.exclude(packed=None).exists()

    def test_jobs_beyond_their_retention_are_not_waited_for(self, run: ScoreRun) -> None:
        Job.objects.filter(pk=job_of(run).pk).delete()

        assert asked_again() is not None

        assert state(run) == ("failed", "A job that it waits for is not on record any more.")

    def test_chunks_of_a_run_that_has_ended_are_not_measured(
        self, run: ScoreRun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.dead(run)
        tasks.look_after_runs()
        monkeypatch.setattr(course, "measure", lambda chunk: pytest.fail("measured for nothing"))

        performed = perform_all()

        assert [(job.state, job.result and job.result["assets"]) for job in performed] == [("succeeded", 0)] * 2

    def test_a_run_whose_end_is_cancelled_while_it_is_made_has_failed(
        self, run: ScoreRun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = finish_job(run)
        cards = scorecards.cards

        def cancelled_meanwhile(*values: object, **others: object) -> Iterator[RiskScore]:
            jobs.cancel(job, by=UserFactory.create(), at=NOON)
            return cards(*values, **others)  # type: ignore[arg-type]  # passed through

        monkeypatch.setattr(scorecards, "cards", cancelled_meanwhile)
        perform_all(most=1)

        assert state(run) == ("failed", "Its end was cancelled.")
        assert not RiskScore.objects.exists()


@pytest.mark.integration
@pytest.mark.django_db
class TestCommand:
    """A run of one process alone, which holds a job for it."""

    @pytest.fixture
    def model(self) -> RiskModel:
        simulated(assets=ASSETS, days=100)
        return risk_models.register(at=NOON)

    def test_it_holds_its_day_as_long_as_its_process_lives(self, model: RiskModel) -> None:
        job = held()
        run = course.begin(course.plan(model, LAST, at=NOON), job=job, at=NOON)

        with pytest.raises(AlreadyScored):
            course.score(model, LAST)
        Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
        jobs.reap()
        again = course.score(model, LAST)

        assert state(run) == ("failed", "A job that it waits for has ended: score_universe is dead, worker_lost.")
        assert (again.state, again.attempt) == ("finished", 2)

    def test_its_job_tells_what_became_of_it(self, model: RiskModel) -> None:
        run = course.score(model, LAST)

        job = Job.objects.get()
        assert (job.pk, job.kind, job.state, job.attempt) == (run.job_id, "score_universe", "succeeded", 1)
        assert job.parameters == {"as_of": LAST.isoformat(), "model": model.version}
        assert job.result == {"as_of": LAST.isoformat(), "runs": {model.version: run.pk}, "skipped": {}}

    @pytest.mark.parametrize(
        ("error", "states"), [(KeyboardInterrupt, ("failed", "cancelled")), (ValueError, ("failed", "failed"))]
    )
    def test_what_ends_it_ends_its_run_and_its_job(
        self,
        model: RiskModel,
        monkeypatch: pytest.MonkeyPatch,
        error: type[BaseException],
        states: tuple[str, str],
    ) -> None:
        def broken(chunk: ScoreChunk) -> None:
            raise error

        with monkeypatch.context() as breaking:
            breaking.setattr(course, "measure", broken)
            with pytest.raises(error):
                course.score(model, LAST)

        assert (ScoreRun.objects.get().state, Job.objects.get().state) == states
        assert course.score(model, LAST).state == "finished"

    def test_cancelled_it_stops_at_the_next_chunk(self, model: RiskModel) -> None:
        def cancel(_: int) -> None:
            jobs.cancel(Job.objects.get(), by=UserFactory.create(), at=NOON)

        with pytest.raises(jobs.JobCancelled):
            course.score(model, LAST, on_progress=cancel)

        assert (ScoreRun.objects.get().state, Job.objects.get().state) == ("failed", "cancelled")
        assert not RiskScore.objects.exists()


@pytest.mark.integration
def test_of_those_who_find_a_lost_run_at_once_one_takes_its_place(committed_db: None) -> None:
    simulated(assets=ASSETS, days=100)
    plan = course.plan(risk_models.register(at=NOON), LAST, at=NOON)
    lost = held()
    course.begin(plan, job=lost, at=NOON)
    Job.objects.filter(pk=lost.pk).update(lease_until=Now() - timedelta(seconds=1))
    jobs.reap()
    barrier = Barrier(4, timeout=30)

    def begin(_: int) -> bool:
        try:
            job = held()
            barrier.wait()
            course.begin(plan, job=job, at=NOON)
        except AlreadyScored:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(begin, range(4))) == [False, False, False, True]
    assert list(ScoreRun.objects.order_by("attempt").values_list("attempt", "state")) == [(1, "failed"), (2, "running")]


@pytest.mark.integration
class TestLearning:
    """A run that is cancelled while its model still learns, which takes minutes in a large market, stops there."""

    @pytest.fixture
    def days(self, db: None, monkeypatch: pytest.MonkeyPatch) -> list[Day]:
        """What was learnt from; somebody cancels the job on the first of them."""
        simulated(assets=ASSETS, days=480)
        day_of = learning.day_of
        seen: list[Day] = []

        def cancelled(*values: Any) -> Day:
            jobs.cancel(Job.objects.running().get(), by=UserFactory.create(), at=NOON)
            seen.append(day_of(*values))
            return seen[-1]

        monkeypatch.setattr(learning, "day_of", cancelled)
        return seen

    def test_by_a_job(self, days: list[Day]) -> None:
        scoring.request(None, scoring.Parameters(as_of=LAST.isoformat()), at=NOON)

        (job,) = perform_all()

        assert (job.state, len(days), ScoreRun.objects.exists()) == (Job.State.CANCELLED, 1, False)

    def test_by_a_command(self, days: list[Day]) -> None:
        with pytest.raises(jobs.JobCancelled):
            course.score(risk_models.register(at=NOON), LAST)

        assert (Job.objects.get().state, len(days), ScoreRun.objects.exists()) == (Job.State.CANCELLED, 1, False)
