"""Suite `jobs`: what the row of a job costs beside a bare Celery task, and how soon work begins at a steady rate."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from celery import current_app
from django.test.utils import override_settings
from redis import Redis

from accounts.actions import jobs
from accounts.models import Job
from config.bench.contest import Contest, Sample
from config.bench.errors import BenchFailed
from config.bench.job_work import KIND, LATENCIES, TASK
from config.bench.stage import Stage
from config.embedded.process import Process
from config.kernel import clock
from config.launcher import children
from config.settings.environment import BASE_DIR

AT_ONCE = 1_000
RATE = 50  # a second
SECONDS, QUICK_SECONDS = 10, 2
PATIENCE = 120.0


@contextmanager
def contests(stage: Stage) -> Iterator[Sequence[Contest]]:
    """One worker with two processes performs both."""
    seconds = QUICK_SECONDS if stage.is_quick else SECONDS
    with override_settings(JOB_KINDS="config.bench.job_work.KINDS"), _worker(stage):

        def contest(name: str, unit: str, measure: Callable[[Redis, Callable[[], object]], Sample]) -> Contest:
            return Contest(
                name,
                unit,
                Sent("jobs", stage.redis, _request, measure, _all_succeeded),
                Sent("bare Celery tasks", stage.redis, _send, measure, lambda: None),
            )

        yield [
            contest(f"{stage.scaled(AT_ONCE)} at once", "jobs", lambda redis, send: _burst(redis, send, stage)),
            contest(
                f"submit to start at {RATE} a second",
                "starts",
                lambda redis, send: _steady(redis, send, RATE * seconds),
            ),
        ]


@dataclass
class Sent:
    """A side that sends work to the worker and waits until all of it has begun."""

    name: str
    redis: Redis
    send: Callable[[], object]
    how: Callable[[Redis, Callable[[], object]], Sample]
    prove: Callable[[], None]

    def prepare(self, attempt: int) -> None:
        self.redis.delete(LATENCIES)
        Job.objects.all().delete()

    def measure(self, attempt: int) -> Sample:
        sample = self.how(self.redis, self.send)
        self.prove()
        return sample


def _request() -> object:
    return jobs.request(KIND, owner=None, parameters={"sent": time.time()}, at=clock.now())


def _send() -> object:
    return current_app.send_task(TASK, kwargs={"sent": time.time()}, queue="default")


def _burst(redis: Redis, send: Callable[[], object], stage: Stage) -> Sample:
    count = stage.scaled(AT_ONCE)
    started = time.perf_counter()
    for _ in range(count):
        send()
    _wait(redis, count)
    return Sample(count, time.perf_counter() - started)


def _steady(redis: Redis, send: Callable[[], object], count: int) -> Sample:
    """As one unit in the median time, so that the ratio is that of the latencies."""
    started = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, started + number / RATE - time.perf_counter()))
        send()
    latencies = np.sort(_wait(redis, count))
    p50, p99 = np.quantile(latencies, [0.5, 0.99])
    return Sample(1, float(p50), p50=float(p50) * 1_000, p99=float(p99) * 1_000)


def _wait(redis: Redis, count: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    deadline = time.monotonic() + PATIENCE
    while redis.llen(LATENCIES) < count:
        if time.monotonic() > deadline:
            raise BenchFailed(f"{redis.llen(LATENCIES)} of {count} began within {PATIENCE:.0f} s")
        time.sleep(0.005)
    return np.array(redis.lrange(LATENCIES, 0, -1), dtype=np.float64)


def _all_succeeded() -> None:
    deadline = time.monotonic() + PATIENCE
    while Job.objects.active().exists():
        if time.monotonic() > deadline:
            raise BenchFailed("jobs have begun that do not end")
        time.sleep(0.01)
    if Job.objects.exclude(state=Job.State.SUCCEEDED, attempt=1).exists():
        raise BenchFailed("not every job succeeded at its first attempt")


@contextmanager
def _worker(stage: Stage) -> Iterator[None]:
    environment = {"DATABASE_URL": stage.database.url, "DJANGO_SETTINGS_MODULE": "config.bench.job_settings"}
    process = Process(
        name="worker",
        command=[*children.worker(), "--hostname", "bench@worker"],
        log=stage.directory / "worker.log",
        directory=BASE_DIR,
        environment={**os.environ, **environment},
        guard=stage.guard,
    )
    process.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while "bench@worker ready." not in process.said():
            if process.pid is None or time.monotonic() > deadline:
                raise BenchFailed(f"the worker does not start: {process.said()}")
            time.sleep(0.1)
        yield
    finally:
        process.stop()
