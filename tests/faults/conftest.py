"""The product as processes, what they did, and the last word of every test: the invariants hold."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from io import StringIO
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from accounts.actions import jobs
from accounts.models import Job
from config.kernel import clock
from tests.faults import kinds
from tests.support.cluster import Login
from tests.support.default_connection import default_connection
from tests.support.plant import ROOT, Plant, plant
from tests.support.processes import eventually

SETTINGS = "tests.faults.settings"


class Ledger:
    """What the work wrote down, read past Django, so that it can be asked while other things break."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url, autocommit=True) as asked:
            return asked.execute(query, values).fetchall()

    def starts(self, job: Job) -> list[tuple[int, int]]:
        """Attempt and process of each start."""
        return self.ask("SELECT attempt, pid FROM fault_start WHERE job_id = %s ORDER BY at", job.pk)

    def effects(self, *wanted: Job) -> dict[UUID, int]:
        """How many effects each job had, of those that had any."""
        return dict(
            self.ask(
                "SELECT job_id, count(*) FROM fault_effect WHERE job_id = ANY(%s) GROUP BY job_id",
                [job.pk for job in wanted],
            )
        )

    def states(self, *wanted: Job) -> dict[UUID, str]:
        return dict(self.ask("SELECT id, state FROM accounts_job WHERE id = ANY(%s)", [job.pk for job in wanted]))

    def wait_for(self, state: str, *wanted: Job, seconds: float = 60) -> None:
        eventually(lambda: set(self.states(*wanted).values()) == {state}, seconds)

    def wait_for_start(self, job: Job, attempt: int = 1, seconds: float = 60) -> int:
        """The process that starts this attempt, once it has."""
        eventually(lambda: attempt in dict(self.starts(job)), seconds)
        return dict(self.starts(job))[attempt]


@pytest.fixture(scope="session")
def product(django_test_environment: None) -> Iterator[Plant]:
    """Servers with a migrated database; processes of the product run until a test kills them."""
    with plant(SETTINGS) as built:
        owner = built.servers.urls["DATABASE_OWNER_URL"]
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env={**built.environment, "DATABASE_URL": owner},
            check=True,
        )
        with psycopg.connect(owner) as connected:
            connected.execute(kinds.TABLES)
        yield built


@pytest.fixture
def ledger(product: Plant, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """This process joins the product: same database, same broker, same kinds. Ends with the invariants."""
    product.revive_servers()
    parts = urlsplit(product.servers.urls["DATABASE_URL"])
    login = Login(
        parts.hostname or "", str(parts.port), parts.path[1:], parts.username or "", unquote(parts.password or "")
    )
    broker = current_app.connection_for_write(url=product.redis_url)
    send = current_app.send_task
    monkeypatch.setattr(current_app, "send_task", partial(send, connection=broker))
    overrides = import_module(SETTINGS)
    for name in [name for name in vars(overrides) if name.startswith("JOB_")]:
        monkeypatch.setattr(settings, name, getattr(overrides, name))
    with django_db_blocker.unblock(), default_connection(login):
        Job.objects.all().delete()
        _schedule("accounts.relay_jobs", "accounts.reap_jobs")
        yield Ledger(product.servers.urls["DATABASE_URL"])
        connection.close()
        out = StringIO()
        call_command("verify_invariants", stdout=out)
        connection.close()
    broker.release()


def _schedule(*tasks: str) -> None:
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
    for task in tasks:
        PeriodicTask.objects.get_or_create(name=task, defaults={"task": task, "interval": every_second})
    PeriodicTasks.update_changed()


@pytest.fixture
def request_job() -> Callable[..., Job]:
    def request_job(kind: str = "work", **parameters: object) -> Job:
        return jobs.request(kind, owner=None, parameters=parameters, at=clock.now())

    return request_job


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Keep a number for the record: they are printed, and never asserted."""

    def measured(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 2))
        with open(os.environ.get("FAULTS_MEASURED", os.devnull), "a") as record:  # noqa: PTH123
            record.write(f"{what}: {seconds:.2f}\n")

    return measured


@pytest.fixture
def stopwatch() -> Callable[[], float]:
    """Seconds since the last call."""
    last = time.monotonic()

    def stopwatch() -> float:
        nonlocal last
        before, last = last, time.monotonic()
        return last - before

    return stopwatch
