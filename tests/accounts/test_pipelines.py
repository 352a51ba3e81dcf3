import pytest
from celery import current_app
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from accounts.actions import jobs
from accounts.models import Job
from accounts.tasks import relay_jobs
from config import pipelines
from config.kernel.errors import ProviderUnavailable
from markets.runs import sync
from tests.accounts.factories import NOON, JobFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def work(monkeypatch):
    """Decide what performs jobs of the kind "work"."""

    def work(perform):
        monkeypatch.setattr(pipelines, "PERFORM", {"work": perform})
        return JobFactory.create(kind="work", request_id="6f9619ff-8b86-4011-b42d-00c04fc964ff")

    return work


def perform(job: Job) -> Job:
    pipelines.perform_job(job_id=str(job.pk))
    job.refresh_from_db()
    return job


def outcome(job: Job) -> tuple[str, object, dict[str, str] | None]:
    return job.state, job.result, job.error


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


def test_foreseen_failure_is_stored_in_its_own_words(work):
    def fail(job):
        raise ProviderUnavailable("All providers refuse to answer.")

    assert outcome(perform(work(fail))) == (
        "failed",
        None,
        {"code": "provider_unavailable", "message": "All providers refuse to answer."},
    )


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


def test_every_kind_that_can_be_asked_for_is_performed_by_somebody():
    assert set(pipelines.PERFORM) == {sync.KIND}


def test_kind_that_nobody_performs_fails():
    assert outcome(perform(JobFactory.create(kind="unheard_of")))[0] == "failed"


def test_attempt_that_was_overtaken_stores_nothing(work):
    def be_overtaken(job):
        Job.objects.filter(pk=job.pk).update(attempt=2)
        return {"late": True}

    job = perform(work(be_overtaken))

    assert (job.state, job.attempt, job.result) == ("running", 2, None)


def test_relay_task_publishes_what_was_forgotten(monkeypatch):
    sent = []
    monkeypatch.setattr(current_app, "send_task", lambda name, kwargs, queue: sent.append((name, kwargs, queue)))
    job = JobFactory.create(created_at=NOON)

    relay_jobs()

    assert sent == [(jobs.PERFORM_TASK, {"job_id": str(job.pk)}, "default")]


def test_celery_finds_both_tasks_by_their_names():
    current_app.loader.import_default_modules()

    assert {"accounts.perform_job", "accounts.relay_jobs"} <= set(current_app.tasks)


def test_each_queue_has_a_routing_key_of_its_own():
    assert {queue.name: queue.routing_key for queue in current_app.amqp.queues.values()} == {
        name: name for name in Job.Queue.values
    }
