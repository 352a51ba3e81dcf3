"""The life of a job: requested, started, reporting progress, ended; given to another worker when one is lost.

The row is the truth and every change of it is a compare-and-swap: `attempt` is the fence that a worker which was given
up for dead cannot pass. What happens to leases is decided by the clock of the database alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from accounts import kinds, metrics
from accounts.actions import audit, reasons
from accounts.holder import Holder
from accounts.models import Job, User
from accounts.models.job import JobQuerySet
from config.kernel.errors import Conflict

log = structlog.get_logger(__name__)

PERFORM_TASK = "accounts.perform_job"
GRACE_SECONDS = 30
"""Between asking the work to stop at its time limit and killing its process."""
BATCH = 500
"""Rows that one sweep takes on."""


class JobNotQueued(Conflict):
    code = "job_not_queued"
    message = "This job has already been started, or does not exist."


class JobNotRunning(Conflict):
    code = "job_not_running"
    message = "This attempt of the job is no longer the one that counts."


class JobCancelled(JobNotRunning):
    code = "job_cancelled"
    message = "Somebody asked to cancel this job."


class JobNotRetryable(Conflict):
    code = "job_not_retryable"
    message = "Only a job that failed, died or was cancelled can be tried again."


class Cancellation(StrEnum):
    """What becomes of a request to cancel."""

    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    TOO_LATE = "too_late"


# --- asking ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def request(kind: str, *, owner: User | None, parameters: Mapping[str, object], at: datetime) -> Job:
    """Ask for work of a known kind; `owner` is None when a schedule asks.

    The row and its trace are one transaction; a worker hears of the job when that is committed.
    """
    job = _recorded(kind, owner, parameters, at, max_attempts=kinds.named(kind).retry.attempts)
    transaction.on_commit(lambda: _announce(job, Job.State.QUEUED), robust=True)
    return job


@transaction.atomic
def take(kind: str, *, holder: Holder, parameters: Mapping[str, object], at: datetime) -> Job:
    """Begin work of a known kind in the process that asks, as a command does.

    It is leased like any other, attempted once, and no worker hears of it: should the process be lost, the job is dead
    until somebody tries it again.
    """
    job = _recorded(
        kind,
        None,
        parameters,
        at,
        max_attempts=1,
        state=Job.State.RUNNING,
        attempt=1,
        started_at=Now(),
        worker=str(holder),
        **_renewed(),
    )
    transaction.on_commit(lambda: metrics.entered(job, Job.State.RUNNING))
    job.refresh_from_db()
    return job


def _recorded(kind: str, owner: User | None, parameters: Mapping[str, object], at: datetime, **columns: object) -> Job:
    job = Job.objects.create(
        kind=kind,
        owner=owner,
        parameters=dict(parameters),
        queue=kinds.named(kind).queue,
        request_id=audit.current_request_id(),
        created_at=at,
        **columns,
    )
    audit.record(
        "accounts.job.requested", actor=owner, subject=job, at=at, after={"kind": kind, "parameters": dict(parameters)}
    )
    return job


@transaction.atomic
def cancel(job: Job, *, by: User, at: datetime, reason: str = "") -> Cancellation:
    """Ask that there be no result. A job that waits is cancelled at once; one that runs stops where it next reports.

    The same answer however often it is asked.
    """
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state == Job.State.CANCELLED:
        return Cancellation.CANCELLED
    if job.is_finished:
        return Cancellation.TOO_LATE
    row = Job.objects.filter(pk=job.pk)
    if job.state == Job.State.RUNNING:
        if job.cancel_requested_at is None:
            row.update(cancel_requested_at=Now())
            audit.record("accounts.job.cancellation_requested", actor=by, subject=job, at=at, reason=reason)
        return Cancellation.CANCELLING
    row.update(state=Job.State.CANCELLED, cancel_requested_at=Now(), finished_at=Now())
    audit.record("accounts.job.cancelled", actor=by, subject=job, at=at, reason=reason)
    transaction.on_commit(lambda: metrics.entered(job, Job.State.CANCELLED))
    return Cancellation.CANCELLED


@transaction.atomic
def retry(job: Job, *, by: User, at: datetime, reason: str) -> None:
    """Give a job that ended without a result as many attempts again as its kind has. Raises `JobNotRetryable`."""
    reason = reasons.given(reason)
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state not in (Job.State.FAILED, Job.State.DEAD, Job.State.CANCELLED):
        raise JobNotRetryable
    if job.kind not in kinds.known():
        raise JobNotRetryable("Nobody performs jobs of this kind any more.")
    before = {"state": job.state, "error_code": job.error_code, "max_attempts": job.max_attempts}
    state = Job.State.RETRYING if job.attempt else Job.State.QUEUED
    most = job.attempt + kinds.named(job.kind).retry.attempts
    Job.objects.filter(pk=job.pk).update(
        state=state,
        max_attempts=most,
        progress=0,
        run_after=Now(),
        published_at=Now(),
        cancel_requested_at=None,
        finished_at=None,
    )
    audit.record(
        "accounts.job.retried",
        actor=by,
        subject=job,
        at=at,
        reason=reason,
        before=before,
        after={"state": state, "max_attempts": most},
    )
    transaction.on_commit(lambda: _announce(job, state), robust=True)


def _announce(job: Job, state: Job.State) -> None:
    metrics.entered(job, state)
    publish(job)


# --- telling the workers --------------------------------------------------------------------------------------------


def publish(job: Job) -> bool:
    """Tell the workers about a waiting job; False when the broker is away, in which case `relay` tells them later.

    Whoever calls has noted in the row that they are told: should this process end just now, they are told again.
    """
    limit = kinds.named(job.kind).time_limit if job.kind in kinds.known() else settings.CELERY_TASK_SOFT_TIME_LIMIT
    try:
        current_app.send_task(
            PERFORM_TASK,
            kwargs={"job_id": str(job.pk)},
            queue=job.queue,
            soft_time_limit=limit,
            time_limit=limit + GRACE_SECONDS,
        )
    except OperationalError as error:
        log.warning("job.not_published", job_id=str(job.pk), kind=job.kind, error=str(error))
        Job.objects.filter(pk=job.pk).update(published_at=None)
        return False
    return True


def relay() -> int:
    """Tell the workers about due jobs that they do not know of, or have not taken up since; return how many.

    A worker that hears of a job twice starts it once, so this may run at any time, also twice at once.
    """
    forgotten = Q(published_at=None) | Q(published_at__lt=Now() - timedelta(seconds=settings.JOB_RELAY_SECONDS))
    with transaction.atomic():
        due = Job.objects.due().filter(forgotten).order_by("run_after", "pk")
        waiting = list(due.select_for_update(skip_locked=True)[:BATCH])
        Job.objects.filter(pk__in=[job.pk for job in waiting]).update(published_at=Now())
    published = 0
    for job in waiting:
        if not publish(job):
            # The broker is away for all of them.
            Job.objects.filter(pk__in=[other.pk for other in waiting[published:]]).update(published_at=None)
            break
        published += 1
    if published:
        log.info("job.relayed", jobs=published)
    return published


# --- performing -----------------------------------------------------------------------------------------------------


def start(job_id: UUID, *, holder: Holder) -> Job:
    """Claim a job that waits, or one whose worker is lost. Of all who try at once exactly one gets it; the others get
    `JobNotQueued`."""
    if not _claim(job_id, holder):
        _take_back(_lost_as_seen_by(job_id, holder))
        if not _claim(job_id, holder):
            raise JobNotQueued
    job = Job.objects.select_related("owner").get(pk=job_id)
    metrics.entered(job, Job.State.RUNNING)
    metrics.QUEUE_WAIT.labels(metrics.label(job.kind)).observe(max(0.0, _seconds_waited(job)))
    return job


def _claim(job_id: UUID, holder: Holder) -> bool:
    claimed = Job.objects.due().filter(pk=job_id, attempt__lt=F("max_attempts"))
    return bool(
        claimed.update(
            state=Job.State.RUNNING,
            attempt=F("attempt") + 1,
            progress=0,
            started_at=Now(),
            worker=str(holder),
            **_renewed(),
        )
    )


def _renewed() -> dict[str, object]:
    return {"heartbeat_at": Now(), "lease_until": Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)}


def _lost_as_seen_by(job_id: UUID, holder: Holder) -> JobQuerySet:
    """The job, if its lease has ended, or its worker was on this machine and is gone."""
    job = Job.objects.running().filter(pk=job_id).first()
    if job is not None and holder.sees_gone(job.worker):
        return Job.objects.running().filter(pk=job_id, attempt=job.attempt)
    return Job.objects.expired().filter(pk=job_id)


def _seconds_waited(job: Job) -> float:
    return (job.started_at - job.run_after).total_seconds() if job.started_at else 0.0


def extend(job: Job) -> bool:
    """Say that the worker of this attempt lives; False when the attempt is no longer the one that counts."""
    return bool(_current(job).update(**_renewed()))


def progress(job: Job, percent: int) -> None:
    """Note how far this attempt has come, 0 to 100, and find out whether to go on.

    Raises `JobCancelled` or `JobNotRunning`, at which the work should stop. Inside the transaction of an effect it is
    also the fence: until the commit nobody can cancel the job or take it over.
    """
    if not _current(job).filter(cancel_requested_at=None).update(progress=percent):
        raise JobCancelled if _current(job).exists() else JobNotRunning
    job.progress = percent


def succeed(job: Job, *, result: Mapping[str, object]) -> None:
    """Store the result, also when somebody has asked to cancel: the work is done. Raises `JobNotRunning`, and then has
    stored nothing."""
    _end(job, Job.State.SUCCEEDED, progress=100, result=dict(result), error_code="", error_message="")


def stop(job: Job) -> None:
    """End an attempt that has heard of its cancellation. Raises `JobNotRunning`, and then has stored nothing."""
    _end(job, Job.State.CANCELLED)


@transaction.atomic
def fail(job: Job, *, code: str, message: str, retry_in: timedelta | None = None) -> None:
    """Store why this attempt has no result. With `retry_in` another one follows, unless this was the last: then the job
    is dead. Raises `JobNotRunning`, and then has stored nothing."""
    current = _current(job).select_for_update().first()
    if current is None:
        raise JobNotRunning
    _end_without_result(current, code=code, message=message, retry_in=retry_in)
    job.refresh_from_db()


def _current(job: Job) -> JobQuerySet:
    # The attempt is the fence: a worker that was given up for dead cannot write over its successor.
    return Job.objects.running().filter(pk=job.pk, attempt=job.attempt)


@transaction.atomic
def _end(job: Job, state: Job.State, **changes: object) -> None:
    ending = {"finished_at": Now()} if state in Job.FINISHED else {}
    if not _current(job).update(state=state, lease_until=None, **ending, **changes):
        raise JobNotRunning
    job.state = state
    for name, value in changes.items():
        setattr(job, name, value)
    transaction.on_commit(lambda: metrics.entered(job, state))


def _end_without_result(job: Job, *, code: str, message: str, retry_in: timedelta | None) -> None:
    """End the attempt of a row that is locked."""
    error = {"error_code": code, "error_message": message}
    if job.cancel_requested_at is not None:
        _end(job, Job.State.CANCELLED)
    elif retry_in is None:
        _end(job, Job.State.FAILED, **error)
    elif job.attempt >= job.max_attempts:
        _end(job, Job.State.DEAD, **error)
        log.error("job.dead", job_id=str(job.pk), kind=job.kind, attempts=job.attempt, code=code)
    else:
        _end(job, Job.State.RETRYING, run_after=Now() + retry_in, published_at=None, **error)


# --- when workers are lost ------------------------------------------------------------------------------------------


def reap() -> int:
    """Take jobs back from workers whose lease has ended: they wait for another attempt, or are dead; how many."""
    lost = _take_back(Job.objects.expired())
    metrics.LEASES_EXPIRED.inc(len(lost))
    if lost:
        log.warning("job.leases_expired", jobs=[str(job.pk) for job in lost])
        relay()
    return len(lost)


@transaction.atomic
def _take_back(lost: JobQuerySet) -> list[Job]:
    # Whoever holds a row locked is about to change it, so it is not lost.
    taken = list(lost.order_by("lease_until").select_for_update(skip_locked=True)[:BATCH])
    for job in taken:
        message = "The process that performed it was lost."
        _end_without_result(job, code="worker_lost", message=message, retry_in=timedelta(0))
    return taken


def remove_old() -> int:
    """Remove jobs that ended longer ago than results are kept; return how many."""
    old = Job.objects.finished().filter(finished_at__lt=Now() - timedelta(hours=settings.JOB_RESULT_RETENTION_HOURS))
    removed = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        removed += Job.objects.filter(pk__in=batch).delete()[0]
    if removed:
        log.info("job.removed", jobs=removed)
    return removed
