import base64
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta

import pytest
from celery import current_app
from django.db import DataError, transaction
from django.db.models import F
from django.db.models.functions import Now
from kombu.exceptions import OperationalError
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs

from accounts import kinds
from accounts.actions import jobs
from accounts.actions.jobs import Cancellation
from accounts.holder import Holder
from accounts.kinds import Kind, Retry
from accounts.models import AuditEntry, Job
from config import pipelines
from config.kernel.errors import ValidationFailed
from tests.accounts.factories import NOON, JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ME = Holder("here", 2, "200")
OTHER = Holder("elsewhere", 1, "100")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def messages(monkeypatch):
    """What the workers are told: (task, arguments, queue)."""
    sent = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, kwargs, queue, **limits: sent.append((name, kwargs, queue))
    )
    return sent


@pytest.fixture
def broker_away(monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)


@pytest.fixture
def alice():
    return UserFactory.create()


def stored(job: Job) -> Mapping[str, object]:
    return Job.objects.values().get(pk=job.pk)


def started(**fields: object) -> Job:
    return jobs.start(JobFactory.create(**fields).pk, holder=OTHER)


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(milliseconds=1))


# --- asking ---------------------------------------------------------------------------------------------------------


def test_requested_job_is_stored_with_its_trace_and_published_on_commit(
    messages, alice, monkeypatch, django_capture_on_commit_callbacks
):
    kind = Kind(lambda job: {}, queue=Job.Queue.MAINTENANCE, retry=Retry(attempts=5))
    monkeypatch.setattr(pipelines, "KINDS", {"tidy": kind})
    with (
        bound_contextvars(request_id="6f9619ff-8b86-4011-b42d-00c04fc964ff"),
        django_capture_on_commit_callbacks(execute=True),
    ):
        job = jobs.request("tidy", owner=alice, parameters={"limit": 50}, at=NOON)
        assert messages == []

    job.refresh_from_db()
    assert (job.kind, job.owner, job.parameters, job.state, job.attempt, job.max_attempts, job.created_at) == (
        "tidy",
        alice,
        {"limit": 50},
        "queued",
        0,
        5,
        NOON,
    )
    assert job.request_id == "6f9619ff-8b86-4011-b42d-00c04fc964ff"
    assert messages == [("accounts.perform_job", {"job_id": str(job.pk)}, "maintenance")]
    trace = AuditEntry.objects.about(job).get()
    assert (trace.verb, trace.actor, trace.happened_at, trace.after) == (
        "accounts.job.requested",
        alice,
        NOON,
        {"kind": "tidy", "parameters": {"limit": 50}},
    )


def test_work_that_nobody_performs_cannot_be_asked_for():
    with pytest.raises(kinds.UnknownKind):
        jobs.request("unheard_of", owner=None, parameters={}, at=NOON)

    assert (Job.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_request_that_is_rolled_back_leaves_nothing_and_tells_nobody(messages, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        jobs.request("update_market_data", owner=None, parameters={}, at=NOON)
        transaction.set_rollback(True)

    assert (Job.objects.count(), AuditEntry.objects.count(), messages) == (0, 0, [])


def test_request_is_accepted_while_the_broker_is_away(broker_away, django_capture_on_commit_callbacks):
    with capture_logs() as logs, django_capture_on_commit_callbacks(execute=True):
        job = jobs.request("update_market_data", owner=None, parameters={}, at=NOON)

    assert (stored(job)["state"], stored(job)["published_at"]) == ("queued", None)
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
    assert message["headers"]["timelimit"] == [570, 540]
    assert json.loads(base64.b64decode(message["body"]))[1] == {"job_id": str(job.pk)}


# --- telling again --------------------------------------------------------------------------------------------------


def test_due_jobs_that_workers_do_not_know_of_or_forgot_are_published_again_oldest_first(messages, settings):
    long_ago = Now() - timedelta(seconds=settings.JOB_RELAY_SECONDS, milliseconds=1)
    JobFactory.create(published_at=Now())
    second = JobFactory.create(run_after=Now() - MINUTE, published_at=long_ago)
    first = JobFactory.create(run_after=Now() - 2 * MINUTE, published_at=None)
    third = JobFactory.create(retrying=True, published_at=None)
    JobFactory.create(retrying=True, run_after=Now() + MINUTE, published_at=None)
    JobFactory.create(running=True, published_at=long_ago)
    JobFactory.create(succeeded=True, published_at=long_ago)

    assert jobs.relay() == 3

    assert [arguments["job_id"] for _, arguments, _ in messages] == [str(job.pk) for job in (first, second, third)]


def test_a_job_is_published_again_once_per_interval(messages):
    JobFactory.create(published_at=None)

    assert [jobs.relay(), jobs.relay()] == [1, 0]


def test_relay_counts_nothing_while_the_broker_is_away_and_all_of_it_when_it_is_back(broker_away, monkeypatch):
    JobFactory.create_batch(3, published_at=None)
    assert jobs.relay() == 0

    monkeypatch.setattr(current_app, "send_task", lambda *args, **kwargs: None)

    assert jobs.relay() == 3


# --- starting -------------------------------------------------------------------------------------------------------


def test_started_job_runs_its_first_attempt_under_a_lease():
    job = started()

    assert (job.state, job.attempt, job.worker) == ("running", 1, "elsewhere:1:100")
    assert job.started_at == job.heartbeat_at
    assert job.heartbeat_at
    assert job.lease_until == job.heartbeat_at + timedelta(seconds=60)


def test_second_start_is_refused_and_changes_nothing():
    job = started()
    before = stored(job)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, holder=ME)

    assert stored(job) == before


@pytest.mark.parametrize("state", ["running", "succeeded", "failed", "dead", "cancelled"])
def test_job_that_does_not_wait_does_not_start(state):
    job = JobFactory.create(**{state: True})
    before = stored(job)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, holder=ME)

    assert stored(job) == before


def test_job_does_not_start_before_its_time():
    job = JobFactory.create(retrying=True, run_after=Now() + MINUTE)
    before = stored(job)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, holder=ME)

    assert stored(job) == before


def test_job_without_attempts_left_does_not_start():
    job = JobFactory.create(attempt=3, max_attempts=3, started_at=NOON)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, holder=ME)

    assert stored(job)["state"] == "queued"


def test_absent_job_does_not_start():
    with pytest.raises(jobs.JobNotQueued):
        jobs.start(uuid.uuid4(), holder=ME)


def test_job_whose_lease_has_ended_is_taken_over():
    job = started()
    expire(job)

    job = jobs.start(job.pk, holder=ME)

    assert (job.attempt, job.worker) == (2, "here:2:200")


def test_job_of_a_worker_that_is_seen_to_be_gone_is_taken_over_at_once():
    me = Holder.current()
    job = jobs.start(JobFactory.create().pk, holder=Holder(me.node, me.pid, "1"))

    job = jobs.start(job.pk, holder=me)

    assert (job.attempt, job.worker) == (2, str(me))


def test_job_whose_worker_was_lost_in_the_last_attempt_is_dead():
    job = started(max_attempts=1)
    expire(job)

    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, holder=ME)

    job.refresh_from_db()
    assert (job.state, job.attempt, job.lease_until) == ("dead", 1, None)
    assert job.error == {"code": "worker_lost", "message": "The process that performed it was lost."}


def test_heartbeat_extends_the_lease_of_the_attempt_that_counts():
    job = started()
    Job.objects.filter(pk=job.pk).update(heartbeat_at=F("heartbeat_at") - MINUTE, lease_until=NOON)

    assert jobs.extend(job)

    row = Job.objects.get()
    assert row.heartbeat_at
    assert row.lease_until == row.heartbeat_at + timedelta(seconds=60)
    assert row.heartbeat_at >= (job.heartbeat_at or NOON)


# --- performing -----------------------------------------------------------------------------------------------------


def test_progress_is_stored_and_shown():
    job = started()

    jobs.progress(job, 40)

    assert (job.progress, stored(job)["progress"], job.celery_word) == (40, 40, "PROGRESS")


def test_success_stores_the_result():
    job = started()

    jobs.succeed(job, result={"updated": 50})

    row = stored(job)
    assert (row["state"], row["progress"], row["result"], row["lease_until"]) == (
        "succeeded",
        100,
        {"updated": 50},
        None,
    )
    assert job.is_finished
    assert row["finished_at"]


def test_failure_stores_the_reason_and_how_far_it_came():
    job = started()
    jobs.progress(job, 40)

    jobs.fail(job, code="provider_unavailable", message="No provider answers.")

    row = stored(job)
    assert (row["state"], row["progress"], row["result"], row["lease_until"]) == ("failed", 40, None, None)
    assert row["finished_at"]
    assert job.error == {"code": "provider_unavailable", "message": "No provider answers."}


def test_failure_that_is_worth_another_attempt_waits_for_it():
    job = started()

    jobs.fail(job, code="provider_unavailable", message="No provider answers.", retry_in=MINUTE)

    assert (job.state, job.finished_at, job.published_at, job.error) == ("retrying", None, None, None)
    assert timedelta(seconds=59) < job.run_after - Job.objects.annotate(now=Now()).get().now <= MINUTE


def test_failure_of_the_last_attempt_is_the_end():
    job = started(max_attempts=1)

    with capture_logs() as logs:
        jobs.fail(job, code="provider_unavailable", message="No provider answers.", retry_in=MINUTE)

    assert (job.state, job.celery_word) == ("dead", "FAILURE")
    assert job.error == {"code": "provider_unavailable", "message": "No provider answers."}
    assert [(line["event"], line["log_level"]) for line in logs] == [("job.dead", "error")]


@pytest.mark.parametrize(
    "write",
    [
        lambda job: jobs.progress(job, 99),
        lambda job: jobs.succeed(job, result={"late": True}),
        lambda job: jobs.fail(job, code="late", message="Too late."),
        lambda job: jobs.fail(job, code="late", message="Too late.", retry_in=MINUTE),
        lambda job: jobs.stop(job),
    ],
    ids=["progress", "succeed", "fail", "retry", "stop"],
)
@pytest.mark.parametrize(
    "overtaken_by",
    [{"attempt": 2}, {"state": "failed", "error_code": "x", "finished_at": NOON, "lease_until": None}],
)
def test_attempt_that_no_longer_counts_changes_nothing(write, overtaken_by):
    job = started()
    Job.objects.filter(pk=job.pk).update(**overtaken_by)
    before = stored(job)

    with pytest.raises(jobs.JobNotRunning):
        write(job)

    assert not jobs.extend(job)
    assert stored(job) == before


def test_result_that_the_database_cannot_hold_is_not_half_stored():
    job = started()
    before = stored(job)

    with pytest.raises(DataError), transaction.atomic():
        jobs.succeed(job, result={"text": "\0"})

    assert stored(job) == before


# --- cancelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"retrying": True}])
def test_job_that_waits_is_cancelled_at_once_and_never_starts(alice, fields):
    job = JobFactory.create(**fields)

    assert jobs.cancel(job, by=alice, at=NOON, reason="By mistake.") == Cancellation.CANCELLED

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert job.cancel_requested_at == job.finished_at
    assert job.finished_at
    entry = AuditEntry.objects.about(job).get()
    assert (entry.verb, entry.actor, entry.reason) == ("accounts.job.cancelled", alice, "By mistake.")
    with pytest.raises(jobs.JobNotQueued):
        jobs.start(job.pk, holder=ME)


def test_job_that_runs_hears_of_its_cancellation_where_it_reports_progress(alice):
    job = started()
    jobs.progress(job, 10)

    assert jobs.cancel(job, by=alice, at=NOON) == Cancellation.CANCELLING

    with pytest.raises(jobs.JobCancelled):
        jobs.progress(job, 20)
    row = stored(job)
    assert (row["state"], row["progress"]) == ("running", 10)
    jobs.stop(job)
    assert (stored(job)["state"], stored(job)["lease_until"]) == ("cancelled", None)
    assert AuditEntry.objects.about(job).verbs() == ["accounts.job.cancellation_requested"]


def test_work_that_was_done_before_it_heard_of_its_cancellation_has_its_result(alice):
    job = started()
    jobs.cancel(job, by=alice, at=NOON)

    jobs.succeed(job, result={"updated": 50})

    assert stored(job)["state"] == "succeeded"


@pytest.mark.parametrize("retry_in", [None, MINUTE])
def test_job_that_fails_while_it_is_being_cancelled_is_cancelled(alice, retry_in):
    job = started()
    jobs.cancel(job, by=alice, at=NOON)

    jobs.fail(job, code="provider_unavailable", message="No provider answers.", retry_in=retry_in)

    assert (job.state, job.error) == ("cancelled", None)


def test_job_whose_worker_is_lost_while_it_is_being_cancelled_is_cancelled(alice):
    job = started()
    jobs.cancel(job, by=alice, at=NOON)
    expire(job)

    assert jobs.reap() == 1

    assert stored(job)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, Cancellation.CANCELLED),
        ({"running": True}, Cancellation.CANCELLING),
        ({"cancelled": True}, Cancellation.CANCELLED),
        ({"succeeded": True}, Cancellation.TOO_LATE),
        ({"failed": True}, Cancellation.TOO_LATE),
        ({"dead": True}, Cancellation.TOO_LATE),
    ],
)
def test_cancelling_again_is_answered_the_same_and_changes_nothing(alice, fields, answer):
    job = JobFactory.create(**fields)
    assert jobs.cancel(job, by=alice, at=NOON) == answer
    before, entries = stored(job), AuditEntry.objects.count()

    assert jobs.cancel(job, by=alice, at=NOON) == answer

    assert (stored(job), AuditEntry.objects.count()) == (before, entries)


# --- lost workers ---------------------------------------------------------------------------------------------------


def test_reaper_returns_expired_leases_to_the_queue_and_tells_the_workers(messages):
    lost, kept = started(), started()
    expire(lost)

    assert jobs.reap() == 1

    row = stored(lost)
    assert (row["state"], row["attempt"], row["lease_until"], row["error_code"]) == ("retrying", 1, None, "worker_lost")
    assert [arguments for _, arguments, _ in messages] == [{"job_id": str(lost.pk)}]
    assert stored(kept)["state"] == "running"
    assert jobs.start(lost.pk, holder=ME).attempt == 2


def test_reaper_buries_a_job_after_its_last_attempt(messages):
    job = started(max_attempts=1)
    expire(job)

    assert jobs.reap() == 1

    assert (stored(job)["state"], stored(job)["error_code"], messages) == ("dead", "worker_lost", [])


def test_recovery_takes_no_longer_than_a_lease_and_a_sweep(settings):
    assert settings.JOB_LEASE_SECONDS + settings.JOB_SWEEP_SECONDS == 75
    # Three beats may fail before a worker that lives loses its job.
    assert settings.JOB_LEASE_SECONDS >= 4 * settings.JOB_HEARTBEAT_SECONDS


# --- trying again, and forgetting -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "dead", "cancelled"])
def test_job_that_ended_without_a_result_is_tried_again_for_a_reason(
    messages, alice, state, django_capture_on_commit_callbacks
):
    job = JobFactory.create(**{state: True})

    with django_capture_on_commit_callbacks(execute=True):
        jobs.retry(job, by=alice, at=NOON, reason="The provider is back.")

    before = job.attempt
    job.refresh_from_db()
    assert (job.state, job.max_attempts, job.finished_at) == ("retrying" if before else "queued", before + 3, None)
    assert messages == [("accounts.perform_job", {"job_id": str(job.pk)}, "default")]
    entry = AuditEntry.objects.about(job).get()
    assert (entry.verb, entry.actor, entry.reason) == ("accounts.job.retried", alice, "The provider is back.")
    assert entry.before["state"] == state
    assert jobs.start(job.pk, holder=ME).attempt == before + 1


@pytest.mark.parametrize("fields", [{}, {"running": True}, {"retrying": True}, {"succeeded": True}])
def test_other_jobs_are_not_tried_again(alice, fields):
    job = JobFactory.create(**fields)
    before = stored(job)

    with pytest.raises(jobs.JobNotRetryable):
        jobs.retry(job, by=alice, at=NOON, reason="Again!")

    assert (stored(job), AuditEntry.objects.count()) == (before, 0)


def test_nobody_tries_again_without_a_reason_or_what_nobody_performs(alice):
    job, unknown = JobFactory.create(failed=True), JobFactory.create(failed=True, kind="unheard_of")

    with pytest.raises(ValidationFailed):
        jobs.retry(job, by=alice, at=NOON, reason=" ")
    with pytest.raises(jobs.JobNotRetryable):
        jobs.retry(unknown, by=alice, at=NOON, reason="Again!")

    assert {stored(job)["state"], stored(unknown)["state"]} == {"failed"}
    assert not AuditEntry.objects.exists()


def test_finished_jobs_are_removed_after_the_retention(settings):
    settings.JOB_RESULT_RETENTION_HOURS = 24
    long_ago, recently = Now() - timedelta(hours=24, seconds=1), Now() - timedelta(hours=23)
    for state in ("succeeded", "failed", "dead", "cancelled"):
        JobFactory.create(**{state: True}, finished_at=long_ago)
    kept = [JobFactory.create(succeeded=True, finished_at=recently), JobFactory.create(), started()]

    assert jobs.remove_old() == 4

    assert set(Job.objects.all()) == set(kept)
