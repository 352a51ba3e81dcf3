"""Keeping a job while it is being performed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import Job
from config.kernel.envelope import to_problem

log = structlog.get_logger(__name__)


@contextmanager
def kept(job: Job) -> Iterator[None]:
    """Extend the job's lease while the block lasts, in a thread and on a connection of its own.

    The work is not interrupted when the job is lost: it finds out when it reports progress, or at the end.
    """
    left = threading.Event()
    heart = threading.Thread(target=_beat, args=(job, left), name=f"lease of {job.pk}", daemon=True)
    heart.start()
    try:
        yield
    finally:
        left.set()
        heart.join()


@contextmanager
def performed_here(kind: str, *, parameters: Mapping[str, object], at: datetime) -> Iterator[Job]:
    """A job that the block performs in this process and ends with `jobs.succeed`, or by what it raises."""
    job = jobs.take(kind, holder=Holder.current(), parameters=parameters, at=at)
    with kept(job):
        try:
            yield job
        except (jobs.JobCancelled, KeyboardInterrupt, SystemExit):
            with suppress(jobs.JobNotRunning):
                jobs.stop(job)
            raise
        except Exception as error:
            problem = to_problem(error)
            with suppress(jobs.JobNotRunning):
                jobs.fail(job, code=problem.code, message=problem.message)
            raise


def _beat(job: Job, left: threading.Event) -> None:
    try:
        while not left.wait(settings.JOB_HEARTBEAT_SECONDS):
            try:
                if not jobs.extend(job):
                    log.warning("job.lease_lost", job_id=str(job.pk), attempt=job.attempt)
                    return
            except (DatabaseError, InterfaceError) as error:
                # The lease outlives some beats that fail.
                log.warning("job.heartbeat_failed", job_id=str(job.pk), error=type(error).__name__)
                connection.close()
    finally:
        connection.close()
