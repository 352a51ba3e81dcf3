"""The same piece of work as a job and as a bare Celery task: noting how long after it was sent it began."""

import time
from collections.abc import Mapping
from functools import cache

from celery import shared_task
from django.conf import settings
from redis import Redis

from accounts.kinds import Kind
from accounts.models import Job

KIND = "bench"
TASK = "bench.bare"
LATENCIES = "bench:latencies"


@cache
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL)


def _note(sent: float) -> None:
    _redis().rpush(LATENCIES, str(time.time() - sent))


def perform(job: Job) -> Mapping[str, object]:
    _note(float(job.parameters["sent"]))
    return {}


@shared_task(name=TASK)
def bare(*, sent: float, **_: object) -> None:
    _note(sent)


KINDS: Mapping[str, Kind] = {KIND: Kind(perform)}
