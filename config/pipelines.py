"""What performs each kind of job, and what follows when one is done."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from structlog.contextvars import bound_contextvars

from accounts import kinds, lease, metrics
from accounts.actions import jobs
from accounts.holder import Holder
from accounts.kinds import Kind, Retry
from accounts.models import Job
from config.kernel.envelope import to_problem
from config.kernel.errors import InternalError, Problem
from markets.runs import sync
from risk.actions.risk_models import ModelOfOtherFormulas
from risk.runs import fitting, outcomes, scoring

log = structlog.get_logger(__name__)

RISK = Job.Queue.RISK_CALCULATIONS
HOUR = 3_600

# Parts of a run: whatever goes wrong with one, that one alone is tried again before the run is given up; unless the
# formulas have been replaced under it.
PATIENT = Retry(after=(Problem,), unless=(ModelOfOtherFormulas,))

KINDS: Mapping[str, Kind] = {
    sync.KIND: Kind(sync.perform),
    scoring.UNIVERSE: Kind(scoring.perform, queue=RISK, time_limit=HOUR),
    scoring.CHUNK: Kind(scoring.perform_chunk, queue=RISK, retry=PATIENT),
    scoring.FINISH: Kind(scoring.perform_finish, queue=RISK, retry=PATIENT),
    fitting.KIND: Kind(fitting.perform, queue=RISK, time_limit=HOUR),
    outcomes.KIND: Kind(outcomes.perform, queue=RISK, time_limit=HOUR),
}

PAUSE_SECONDS = 0.5
"""Between two tries to store an outcome while the database is away."""


class TimeLimitExceeded(Problem):
    code = "time_limit_exceeded"
    message = "The work took longer than its kind may."


@shared_task(name=jobs.PERFORM_TASK)
def perform_job(*, job_id: str, **_: object) -> None:
    """Start the job unless somebody else has, do the work, store its result or its failure."""
    try:
        job = jobs.start(UUID(job_id), holder=Holder.current())
    except jobs.JobNotQueued:
        metrics.DUPLICATES.inc()
        log.info("job.already_started", job_id=job_id)
        return
    except (OperationalError, InterfaceError) as error:
        # The row still says that it waits, so it will be announced again.
        log.warning("job.not_started", job_id=job_id, error=type(error).__name__)
        return
    with bound_contextvars(request_id=job.request_id, job_id=job_id, job_kind=job.kind):
        perform(job)


def perform(job: Job) -> None:
    """Do the work of a job that has been started. The outcome is in its row, whatever happens here."""
    started = time.monotonic()
    with lease.kept(job):
        try:
            _attempt(job)
        except jobs.JobNotRunning:
            log.warning("job.given_up", attempt=job.attempt)
        except (OperationalError, InterfaceError):
            # Nobody extends the lease any more, so the job will be taken back and attempted again.
            log.exception("job.outcome_not_stored", attempt=job.attempt)
    metrics.DURATION.labels(metrics.label(job.kind)).observe(time.monotonic() - started)


def _attempt(job: Job) -> None:
    try:
        result = kinds.named(job.kind).perform(job)
        _store(partial(jobs.succeed, job, result=result))
    except jobs.JobCancelled:
        _store(partial(jobs.stop, job))
        log.info("job.cancelled", attempt=job.attempt)
    except jobs.JobNotRunning:
        raise
    except Exception as error:
        _fail(job, error)
    else:
        log.info("job.succeeded", attempt=job.attempt)


def _fail(job: Job, error: Exception) -> None:
    problem = TimeLimitExceeded() if isinstance(error, SoftTimeLimitExceeded) else to_problem(error)
    if isinstance(problem, InternalError):
        # Whatever it was, the owner of the job must hear that there will be no result.
        log.exception("job.crashed", attempt=job.attempt)
    else:
        log.warning("job.failed", code=problem.code, attempt=job.attempt)
    kind = kinds.known().get(job.kind)
    wait = kind.retry.wait(job.attempt, random.random()) if kind and kind.retry.is_worthwhile(problem) else None  # noqa: S311  # spreads load, keeps no secret
    _store(partial(jobs.fail, job, code=problem.code, message=problem.message, retry_in=wait))


def _store(outcome: Callable[[], None]) -> None:
    """Store what became of an attempt; a database that is away is waited for as long as a lease lasts."""
    deadline = time.monotonic() + settings.JOB_LEASE_SECONDS
    while True:
        try:
            return outcome()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            log.warning("job.outcome_waits", error=type(error).__name__)
            connection.close()
            time.sleep(PAUSE_SECONDS)
