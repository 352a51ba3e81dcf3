import threading
from datetime import timedelta

import pytest
from celery import current_app
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError
from django.db.models.functions import Now
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from accounts.actions import jobs
from accounts.kinds import Kind, Retry
from accounts.models import Job
from accounts.tasks import cleanup_expired_tasks, reap_jobs, relay_jobs
from config import pipelines
from config.kernel.errors import Conflict, NotFound, Problem, ProviderUnavailable, ValidationFailed
from markets.runs import sync
from tests.accounts.factories import JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

# The names that clients and operators know; most of their domains are still to come.
RESERVED = {
    "score_universe": "risk_calculations",
    "score_chunk": "risk_calculations",
    "finish_scores": "risk_calculations",
    "fit_risk_model": "risk_calculations",
    "record_forecast_outcomes": "risk_calculations",
    "monte_carlo_simulation": "risk_calculations",
    "calculate_var_cvar": "risk_calculations",
    "stress_test_portfolio": "risk_calculations",
    "optimize_portfolio": "portfolio_operations",
    "rebalance_portfolio": "portfolio_operations",
    "analyze_portfolio_performance": "portfolio_operations",
    "generate_portfolio_report": "report_generation",
    "export_portfolio_data": "report_generation",
    "cleanup_expired_tasks": "maintenance",
    "update_market_data": "default",
}


@pytest.fixture
def work(monkeypatch):
    """Decide what performs jobs of the kind "work"."""

    def work(perform, **fields):
        monkeypatch.setattr(pipelines, "KINDS", {"work": Kind(perform)})
        return JobFactory.create(kind="work", request_id="6f9619ff-8b86-4011-b42d-00c04fc964ff", **fields)

    return work


def perform(job: Job) -> Job:
    pipelines.perform_job(job_id=str(job.pk))
    job.refresh_from_db()
    return job


def outcome(job: Job) -> tuple[str, object, dict[str, str] | None]:
    return job.state, job.result, job.error


def failing(error):
    def fail(job):
        raise error

    return fail


def test_job_is_performed_and_its_result_stored(work):
    job = perform(work(lambda job: {"limit": job.parameters["limit"], "attempt": job.attempt}))

    assert outcome(job) == ("succeeded", {"limit": 50, "attempt": 1}, None)
    assert job.started_at
    assert job.finished_at
    assert job.started_at <= job.finished_at


def test_work_knows_the_request_that_asked_for_it(work):
    seen = {}
    job = perform(work(lambda job: seen.update(get_contextvars()) or {}))

    assert seen == {
        "request_id": "6f9619ff-8b86-4011-b42d-00c04fc964ff",
        "job_id": str(job.pk),
        "job_kind": "work",
    }
    assert get_contextvars() == {}


def test_job_that_is_heard_of_twice_is_done_once(work):
    done: list[int] = []

    def note(job):
        done.append(job.attempt)
        return {}

    job = work(note)

    perform(job)
    perform(job)

    assert (done, job.attempt) == ([1], 1)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderUnavailable("All providers refuse to answer."), "provider_unavailable"),
        (OperationalError("the connection is lost"), "database_unavailable"),
    ],
)
def test_part_that_was_away_is_tried_again_after_a_while(work, error, code):
    job = perform(work(failing(error)))

    now = Job.objects.annotate(now=Now()).get().now
    assert (job.state, job.attempt, job.error_code) == ("retrying", 1, code)
    assert timedelta(seconds=2) < job.run_after - now <= timedelta(seconds=5)


def test_part_that_stays_away_is_the_end_after_the_last_attempt(work):
    job = perform(work(failing(ProviderUnavailable("All providers refuse to answer.")), max_attempts=1))

    assert outcome(job) == (
        "dead",
        None,
        {"code": "provider_unavailable", "message": "All providers refuse to answer."},
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValidationFailed("The weights do not add up."), ("validation_error", "The weights do not add up.")),
        (SoftTimeLimitExceeded(), ("time_limit_exceeded", "The work took longer than its kind may.")),
    ],
)
def test_what_was_wrong_with_the_work_is_not_tried_again(work, error, told):
    job = perform(work(failing(error)))

    assert outcome(job) == ("failed", None, {"code": told[0], "message": told[1]})


@pytest.mark.parametrize(
    "accident",
    [
        lambda job: 1 / 0,
        lambda job: {"not": {"json"}},
        lambda job: {"text": "\0"},
        lambda job: None,
    ],
    ids=["exception", "no JSON", "NUL", "no result"],
)
def test_accident_is_logged_and_told_without_its_cause(work, accident):
    with capture_logs() as logs:
        job = perform(work(accident))

    assert outcome(job) == ("failed", None, {"code": "internal_error", "message": "Something went wrong on our side."})
    assert [(line["event"], line["log_level"]) for line in logs] == [("job.crashed", "error")]


def test_work_that_hears_of_its_cancellation_ends_cancelled(work):
    def be_cancelled(job):
        jobs.cancel(job, by=UserFactory.create(), at=job.created_at)
        jobs.progress(job, 50)
        pytest.fail("It went on.")

    job = perform(work(be_cancelled))

    assert outcome(job) == ("cancelled", None, None)


def test_kind_that_nobody_performs_fails():
    assert outcome(perform(JobFactory.create(kind="unheard_of")))[0] == "failed"


def test_attempt_that_was_overtaken_stores_nothing(work):
    def be_overtaken(job):
        Job.objects.filter(pk=job.pk).update(attempt=2)
        return {"late": True}

    job = perform(work(be_overtaken))

    assert (job.state, job.attempt, job.result) == ("running", 2, None)


def test_outcome_is_offered_again_while_the_database_is_away(committed_db, monkeypatch, settings):
    monkeypatch.setattr(pipelines, "PAUSE_SECONDS", 0)
    offered: list[int] = []

    def outcome():
        offered.append(len(offered))
        if len(offered) < 3:
            raise OperationalError("the server is starting up")

    pipelines._store(outcome)
    assert offered == [0, 1, 2]

    settings.JOB_LEASE_SECONDS = -1  # for as long as a lease, and no longer
    offered.clear()
    with pytest.raises(OperationalError):
        pipelines._store(outcome)
    assert offered == [0]


def test_job_that_could_not_be_stored_is_left_to_the_reaper(work, monkeypatch):
    job = work(lambda job: {})
    refuse = failing(OperationalError("the server is starting up"))
    monkeypatch.setattr(jobs, "_end", lambda job, state, **changes: refuse(job))
    monkeypatch.setattr(jobs, "fail", lambda job, **told: refuse(job))

    with capture_logs() as logs:
        perform(job)

    assert job.state == "running"
    assert [line["event"] for line in logs][-1] == "job.outcome_not_stored"


def test_job_that_could_not_be_started_still_waits(work, monkeypatch):
    job = work(lambda job: {})
    monkeypatch.setattr(jobs, "_claim", lambda job_id, holder: failing(OperationalError("gone"))(job_id))

    with capture_logs() as logs:
        perform(job)

    assert (job.state, [line["event"] for line in logs]) == ("queued", ["job.not_started"])


def test_nobody_keeps_the_lease_of_a_job_that_has_ended(work):
    perform(work(lambda job: {}))

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease of")]


def test_tasks_of_the_schedules_do_what_they_say(monkeypatch):
    sent = []
    monkeypatch.setattr(current_app, "send_task", lambda name, kwargs, queue, **limits: sent.append((name, kwargs)))
    forgotten, lost = JobFactory.create(published_at=None), JobFactory.create(running=True)
    Job.objects.filter(pk=lost.pk).update(lease_until=Now() - timedelta(seconds=1))
    JobFactory.create(succeeded=True, finished_at=Now() - timedelta(days=2))

    relay_jobs()
    reap_jobs()

    assert sent == [(jobs.PERFORM_TASK, {"job_id": str(job.pk)}) for job in (forgotten, lost)]
    assert cleanup_expired_tasks() == {"jobs": 1, "answers": 0}
    assert set(Job.objects.all()) == {forgotten, lost}


def test_celery_finds_the_tasks_by_their_names():
    current_app.loader.import_default_modules()

    assert {"accounts.perform_job", "accounts.relay_jobs", "accounts.reap_jobs", "cleanup_expired_tasks"} <= set(
        current_app.tasks
    )


def test_each_queue_has_a_routing_key_of_its_own():
    assert {queue.name: queue.routing_key for queue in current_app.amqp.queues.values()} == {
        name: name for name in Job.Queue.values
    }


@pytest.mark.parametrize(("name", "queue"), RESERVED.items())
def test_every_reserved_name_has_its_queue(name, queue):
    assert current_app.amqp.router.route({}, name)["queue"].name == queue


def test_every_kind_has_a_reserved_name_and_waits_in_its_queue():
    assert {name: kind.queue.value for name, kind in pipelines.KINDS.items()}.items() <= RESERVED.items()
    assert sync.KIND in pipelines.KINDS


def test_no_kind_may_run_for_as_long_as_the_broker_waits_for_its_end(settings):
    patience = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]

    assert all(kind.time_limit + jobs.GRACE_SECONDS < patience for kind in pipelines.KINDS.values())
    assert patience > settings.CELERY_TASK_TIME_LIMIT


def test_what_no_attempt_can_change_is_not_tried_again():
    retry = Retry(after=(Problem,), unless=(NotFound,))

    assert [retry.is_worthwhile(problem) for problem in (Conflict(), NotFound())] == [True, False]


def test_waits_between_attempts_double_up_to_the_longest():
    retry = Retry(first=timedelta(seconds=5), longest=timedelta(seconds=60))

    assert [retry.wait(attempt, 1.0).total_seconds() for attempt in (1, 2, 3, 4, 5, 1000)] == [5, 10, 20, 40, 60, 60]
    assert [retry.wait(attempt, 0.0).total_seconds() for attempt in (1, 5)] == [2.5, 30]
