import base64
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta

import pytest
from celery import current_app
from django.db import DataError, transaction
from kombu.exceptions import OperationalError
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs

from accounts.actions import jobs
from accounts.models import AuditEntry, Job
from tests.accounts.factories import NOON, JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LATER = NOON + timedelta(seconds=30)


@pytest.fixture
def messages(monkeypatch):
    """What the workers are told: (task, arguments, queue)."""
    sent = []
    monkeypatch.setattr(
        current_app,
        "send_task",
        lambda name, kwargs, queue: sent.append((name, kwargs, queue)),
    )
    return sent


@pytest.fixture
def broker_away(monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)


def stored(job: Job) -> Mapping[str, object]:
    return Job.objects.values().get(pk=job.pk)


def test_requested_job_is_stored_with_its_trace_and_published_on_commit(messages, django_capture_on_commit_callbacks):
    alice = UserFactory.create()

    with (
        bound_contextvars(request_id="6f9619ff-8b86-4011-b42d-00c04fc964ff"),
        django_capture_on_commit_callbacks(execute=True),
    ):
        job = jobs.request(
            "update_market_data", owner=alice, parameters={"limit": 50}, at=NOON, queue=Job.Queue.MAINTENANCE
        )
        assert messages == []

    job.refresh_from_db()
    assert (job.kind, job.owner, job.parameters, job.state, job.attempt, job.progress, job.created_at) == (
        "update_market_data",
        alice,
        {"limit": 50},
        "queued",
        0,
        0,
        NOON,
    )
    assert job.request_id == "6f9619ff-8b86-4011-b42d-00c04fc964ff"
    assert messages == [("accounts.perform_job", {"job_id": str(job.pk)}, "maintenance")]
    trace = AuditEntry.objects.about(job).get()
    assert (trace.verb, trace.actor, trace.happened_at, trace.after) == (
        "accounts.job.requested",
        alice,
        NOON,
        {"kind": "update_market_data", "parameters": {"limit": 50}},
    )


def test_request_that_is_rolled_back_leaves_nothing_and_tells_nobody(messages, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        jobs.request("update_market_data", owner=None, parameters={}, at=NOON)
        transaction.set_rollback(True)

    assert (Job.objects.count(), AuditEntry.objects.count(), messages) == (0, 0, [])


def test_request_is_accepted_while_the_broker_is_away(broker_away, django_capture_on_commit_callbacks):
    with capture_logs() as logs, django_capture_on_commit_callbacks(execute=True):
        job = jobs.request("update_market_data", owner=None, parameters={}, at=NOON)

    assert stored(job)["state"] == "queued"
    assert [(line["event"], line["job_id"]) for line in logs] == [("job.not_published", str(job.pk))]


@pytest.mark.parametrize("queue", Job.Queue)
def test_message_arrives_in_the_queue_of_the_job_and_in_no_other(redis_server, queue):
    job = JobFactory.create(queue=queue)

    assert jobs.publish(job)

    assert {name: redis_server.llen(name) for name in Job.Queue.values} == {
        name: int(name == queue) for name in Job.Queue.values
    }
    message = json.loads(redis_server.lindex(queue, 0))
    assert message["headers"]["task"] == "accounts.perform_job"
    assert json.loads(base64.b64decode(message["body"]))[1] == {"job_id": str(job.pk)}


def test_forgotten_jobs_are_published_again_oldest_first(messages):
    young = JobFactory.create(created_at=NOON - timedelta(seconds=10))
    second = JobFactory.create(created_at=NOON - timedelta(seconds=11))
    first = JobFactory.create(created_at=NOON - timedelta(hours=1))
    JobFactory.create(running=True, created_at=NOON - timedelta(hours=1))
    JobFactory.create(succeeded=True, created_at=NOON - timedelta(hours=1))

    published = jobs.relay(at=NOON)

    assert published == 2
    assert [arguments["job_id"] for _, arguments, _ in messages] == [str(first.pk), str(second.pk)]
    assert stored(young)["state"] == "queued"


def test_relay_counts_nothing_while_the_broker_is_away(broker_away):
    JobFactory.create(created_at=NOON - timedelta(hours=1))

    assert jobs.relay(at=NOON) == 0


def test_started_job_runs_its_first_attempt():
    job = jobs.start(JobFactory.create().pk, at=LATER)

    assert (job.state, job.attempt, job.started_at) == ("running", 1, LATER)


def test_second_start_is_refused_and_changes_nothing():
    job = jobs.start(JobFactory.create().pk, at=NOON)
    before = stored(job)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, at=LATER)

    assert stored(job) == before


@pytest.mark.parametrize("state", ["running", "succeeded", "failed"])
def test_job_that_is_not_queued_does_not_start(state):
    job = JobFactory.create(**{state: True})
    before = stored(job)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, at=LATER)

    assert stored(job) == before


def test_job_without_attempts_left_does_not_start():
    job = JobFactory.create(attempt=3, max_attempts=3, started_at=NOON)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, at=LATER)

    assert stored(job)["state"] == "queued"


def test_absent_job_does_not_start():
    with pytest.raises(jobs.JobNotQueued):
        jobs.start(uuid.uuid4(), at=NOON)


def test_progress_is_stored_and_shown():
    job = jobs.start(JobFactory.create().pk, at=NOON)

    jobs.progress(job, 40)

    assert (job.progress, stored(job)["progress"], job.celery_word) == (40, 40, "PROGRESS")


def test_success_stores_the_result():
    job = jobs.start(JobFactory.create().pk, at=NOON)

    jobs.succeed(job, result={"updated": 50}, at=LATER)

    row = stored(job)
    assert (row["state"], row["progress"], row["result"], row["finished_at"]) == (
        "succeeded",
        100,
        {"updated": 50},
        LATER,
    )


def test_failure_stores_the_reason_and_how_far_it_came():
    job = jobs.start(JobFactory.create().pk, at=NOON)
    jobs.progress(job, 40)

    jobs.fail(job, code="provider_unavailable", message="No provider answers.", at=LATER)

    row = stored(job)
    assert (row["state"], row["progress"], row["result"], row["finished_at"]) == ("failed", 40, None, LATER)
    assert job.error == {"code": "provider_unavailable", "message": "No provider answers."}


@pytest.mark.parametrize(
    "write",
    [
        lambda job: jobs.progress(job, 99),
        lambda job: jobs.succeed(job, result={"late": True}, at=LATER),
        lambda job: jobs.fail(job, code="late", message="Too late.", at=LATER),
    ],
    ids=["progress", "succeed", "fail"],
)
@pytest.mark.parametrize("overtaken_by", [{"attempt": 2}, {"state": "failed", "error_code": "x", "finished_at": NOON}])
def test_attempt_that_no_longer_counts_changes_nothing(write, overtaken_by):
    job = jobs.start(JobFactory.create().pk, at=NOON)
    Job.objects.filter(pk=job.pk).update(**overtaken_by)
    before = stored(job)

    with pytest.raises(jobs.JobNotRunning):
        write(job)

    assert stored(job) == before


def test_result_that_the_database_cannot_hold_is_not_half_stored():
    job = jobs.start(JobFactory.create().pk, at=NOON)
    before = stored(job)

    with pytest.raises(DataError), transaction.atomic():
        jobs.succeed(job, result={"text": "\0"}, at=LATER)

    assert stored(job) == before
