"""What performs each kind of job, and what follows when one is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

import structlog
from celery import shared_task
from structlog.contextvars import bound_contextvars

from accounts.actions import jobs
from accounts.models import Job
from config.kernel import clock
from config.kernel.errors import Problem
from markets.runs import sync

log = structlog.get_logger(__name__)

PERFORM: Mapping[str, Callable[[Job], Mapping[str, object]]] = {
    "update_market_data": sync.perform,
}


@shared_task(name=jobs.PERFORM_TASK)
def perform_job(*, job_id: str, **_: object) -> None:
    """Start the job unless somebody else has, do the work, store its result or its failure."""
    try:
        job = jobs.start(UUID(job_id), at=clock.now())
    except jobs.JobNotQueued:
        log.info("job.already_started", job_id=job_id)
        return
    with bound_contextvars(request_id=job.request_id, job_id=job_id, job_kind=job.kind):
        perform(job)


def perform(job: Job) -> None:
    """Do the work of a job that has been started. The outcome is in its row, whatever happens here."""
    try:
        result = PERFORM[job.kind](job)
        jobs.succeed(job, result=result, at=clock.now())
    except jobs.JobNotRunning:
        log.warning("job.given_up", attempt=job.attempt)
    except Problem as problem:
        log.warning("job.failed", code=problem.code, attempt=job.attempt)
        jobs.fail(job, code=problem.code, message=problem.message, at=clock.now())
    except Exception:
        # Whatever it was, the owner of the job must hear that there will be no result.
        log.exception("job.crashed", attempt=job.attempt)
        jobs.fail(job, code="internal_error", message="Something went wrong on our side.", at=clock.now())
    else:
        log.info("job.succeeded", attempt=job.attempt)
