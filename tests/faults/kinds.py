"""Work whose starts and effects are rows, so that they can be counted."""

import os
import time
from collections.abc import Mapping
from datetime import timedelta

from django.db import connection, transaction

from accounts.actions import jobs
from accounts.kinds import Kind, Retry
from accounts.models import Job

TABLES = """
CREATE TABLE fault_start (job_id uuid, attempt int, pid int, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE fault_effect (job_id uuid, attempt int, at timestamptz DEFAULT clock_timestamp());
"""
CHUNK_SECONDS = 0.05


def work(job: Job) -> Mapping[str, object]:
    """Take `seconds` in small steps that report progress, then have an effect."""
    _note(job)
    chunks = max(1, round(float(job.parameters.get("seconds", 0)) / CHUNK_SECONDS))
    for done in range(chunks):
        jobs.progress(job, 90 * done // chunks)
        time.sleep(CHUNK_SECONDS if chunks > 1 else 0)
    with transaction.atomic():
        jobs.progress(job, 90)  # the fence of the effect
        _execute(
            "INSERT INTO fault_effect (job_id, attempt) SELECT %(job)s, %(attempt)s"
            " WHERE NOT EXISTS (SELECT FROM fault_effect WHERE job_id = %(job)s)",
            job,
        )
    return {"attempt": job.attempt}


def crash(job: Job) -> Mapping[str, object]:
    """End the process without a word, as for want of memory."""
    _note(job)
    os.abort()


def _note(job: Job) -> None:
    _execute("INSERT INTO fault_start (job_id, attempt, pid) VALUES (%(job)s, %(attempt)s, %(pid)s)", job)


def _execute(statement: str, job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"job": job.pk, "attempt": job.attempt, "pid": os.getpid()})


_RETRY = Retry(attempts=5, first=timedelta(seconds=0.2), longest=timedelta(seconds=1))
KINDS: Mapping[str, Kind] = {
    "work": Kind(work, retry=_RETRY),
    "crash": Kind(crash, retry=Retry(attempts=3)),
    # What the API starts.
    "update_market_data": Kind(work, retry=_RETRY),
}
