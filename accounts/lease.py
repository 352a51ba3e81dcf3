"""Keeping a job while it is being performed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from accounts.actions import jobs
from accounts.models import Job

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
