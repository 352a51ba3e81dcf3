"""The life of a job: requested, started, reporting progress, ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from accounts.actions import audit
from accounts.models import Job, User
from config.kernel.errors import Conflict

log = structlog.get_logger(__name__)

PERFORM_TASK = "accounts.perform_job"
RELAY_AFTER = timedelta(seconds=10)
RELAY_BATCH = 100


class JobNotQueued(Conflict):
    code = "job_not_queued"
    message = "This job has already been started, or does not exist."


class JobNotRunning(Conflict):
    code = "job_not_running"
    message = "This attempt of the job is no longer the one that counts."


@transaction.atomic
def request(
    kind: str,
    *,
    owner: User | None,
    parameters: Mapping[str, object],
    at: datetime,
    queue: Job.Queue = Job.Queue.DEFAULT,
) -> Job:
    """Ask for work of a kind that `config.pipelines` knows; `owner` is None when a schedule asks.

    The row and its trace are one transaction; a worker hears of the job when that is committed.
    """
    job = Job.objects.create(
        kind=kind,
        owner=owner,
        parameters=dict(parameters),
        queue=queue,
        request_id=audit.current_request_id(),
        created_at=at,
    )
    audit.record(
        "accounts.job.requested", actor=owner, subject=job, at=at, after={"kind": kind, "parameters": dict(parameters)}
    )
    transaction.on_commit(lambda: publish(job))
    return job


def publish(job: Job) -> bool:
    """Tell the workers about a queued job; False when the broker is away, in which case `relay` tells them later."""
    try:
        current_app.send_task(PERFORM_TASK, kwargs={"job_id": str(job.pk)}, queue=job.queue)
    except OperationalError as error:
        log.warning("job.not_published", job_id=str(job.pk), kind=job.kind, error=str(error))
        return False
    return True


def relay(*, at: datetime) -> int:
    """Tell the workers again about jobs that nobody has taken up; return how many.

    A worker that hears of a job twice starts it once, so this may run at any time.
    """
    forgotten = Job.objects.waiting().filter(created_at__lt=at - RELAY_AFTER).order_by("created_at")[:RELAY_BATCH]
    published = sum(1 for job in forgotten if publish(job))
    if published:
        log.info("job.relayed", jobs=published)
    return published


def start(job_id: UUID, *, at: datetime) -> Job:
    """Claim a queued job. Of all who try at once exactly one gets it; the others get `JobNotQueued`."""
    claimed = Job.objects.waiting().filter(pk=job_id, attempt__lt=F("max_attempts"))
    if not claimed.update(state=Job.State.RUNNING, attempt=F("attempt") + 1, progress=0, started_at=at):
        raise JobNotQueued
    return Job.objects.select_related("owner").get(pk=job_id)


def progress(job: Job, percent: int) -> None:
    """Note how far this attempt has come, 0 to 100. Raises `JobNotRunning`, at which the work should stop."""
    _change(job, progress=percent)


def succeed(job: Job, *, result: Mapping[str, object], at: datetime) -> None:
    """Store the result. Raises `JobNotRunning`, and then has stored nothing."""
    _change(job, state=Job.State.SUCCEEDED, progress=100, result=dict(result), finished_at=at)


def fail(job: Job, *, code: str, message: str, at: datetime) -> None:
    """Store why there will be no result. Raises `JobNotRunning`, and then has stored nothing."""
    _change(job, state=Job.State.FAILED, error_code=code, error_message=message, finished_at=at)


@transaction.atomic
def _change(job: Job, **changes: object) -> None:
    # The attempt is the fence: a worker that was given up for dead cannot write over its successor.
    current = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, attempt=job.attempt)
    if not current.update(**changes):
        raise JobNotRunning
    for name, value in changes.items():
        setattr(job, name, value)
