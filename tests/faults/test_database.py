"""A database that is away for a while."""

import threading
import time

import pytest
from django.db import connection

from accounts import tokens
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import SessionFactory, UserFactory
from tests.support.processes import eventually

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

AWAY_SECONDS = 4


@pytest.fixture
def headers(ledger):
    person = UserFactory.create(role=Role.OPERATOR, username=f"operator_{time.time_ns()}")
    at = clock.now()
    return {"Authorization": f"Bearer {tokens.access_token(SessionFactory.create(user=person, created_at=at), at=at)}"}


def test_d1_api_says_so_and_jobs_are_done_once_when_the_database_dies(product, ledger, headers, request_job, measured):
    product.beat()
    product.worker("a")
    product.web()
    eventually(lambda: product.get("/readyz")[0] == 200, 60)
    path = "/api/v1/tasks/active"
    assert product.get(path, headers)[0] == 200
    made = [request_job(seconds=0.5) for _ in range(12)]
    ledger.wait_for_start(made[0])
    connection.close()

    answers = []
    back = threading.Event()

    def ask() -> None:
        while not back.is_set():
            answers.append(product.get(path, headers))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    product.kill_postgres()
    for asker in askers:
        asker.start()
    time.sleep(AWAY_SECONDS)
    product.revive_servers()
    eventually(lambda: product.get(path, headers)[0] == 200)
    back.set()
    for asker in askers:
        asker.join()

    refused = [answer for answer in answers if answer[0] != 200]
    assert refused
    assert {status for status, _, _ in refused} == {503}
    assert all("Retry-After" in answered for _, answered, _ in refused)
    measured("D1 database killed for 4 s: slowest 503 after", max(seconds for _, _, seconds in refused))
    ledger.wait_for("succeeded", *made, seconds=120)
    assert ledger.effects(*made) == {job.pk: 1 for job in made}


def test_x1_product_that_starts_before_its_servers_waits_for_them(product, ledger, request_job):
    product.stop()
    job = request_job()
    connection.close()
    product.kill_valkey()
    product.kill_postgres()

    web = product.web()
    eventually(lambda: product.get("/livez")[0] == 200, 60)
    assert product.get("/readyz")[0] == 503
    worker, beat = product.start_worker("a"), product.beat()
    pids = [web.process.pid, worker.process.pid]
    eventually(lambda: b"Cannot connect to redis" in worker.process.log.read_bytes())

    product.revive_servers()

    eventually(lambda: product.get("/readyz")[0] == 200, 60)
    assert [web.process.pid, worker.process.pid] == pids
    said: list[str] = []

    def is_done() -> bool:
        beat.tend(time.monotonic(), said.append)
        return bool(ledger.states(job) == {job.pk: "succeeded"})

    eventually(is_done, 60)
    assert ledger.effects(job) == {job.pk: 1}
