"""Workers that are killed, stopped, frozen, or crash again and again."""

import base64
import json
import os
import signal
import time

import pytest
from redis import Redis

from config.kernel import clock
from tests.support.processes import eventually

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]


def test_w1_job_of_a_killed_pool_process_is_resumed_at_once(product, ledger, request_job, measured, stopwatch):
    product.worker("a")
    job = request_job(seconds=3)
    victim = ledger.wait_for_start(job)
    eventually(lambda: ledger.ask("SELECT FROM accounts_job WHERE id = %s AND progress >= 20", job.pk) != [])
    job.refresh_from_db()
    lease_until = job.lease_until

    stopwatch()
    os.kill(victim, signal.SIGKILL)
    ledger.wait_for_start(job, attempt=2)
    measured("W1 pool child killed: next attempt after", stopwatch())

    ledger.wait_for("succeeded", job)
    job.refresh_from_db()
    # Nobody had to wait for the lease to end: whoever came saw that the holder was gone.
    assert lease_until
    assert job.started_at
    assert job.started_at < lease_until
    assert (job.attempt, ledger.effects(job)) == (2, {job.pk: 1})


def test_w2_job_of_a_lost_host_is_taken_over_after_its_lease(product, ledger, request_job, measured, stopwatch):
    product.beat()
    product.worker("a")
    product.worker("b")
    job = request_job(seconds=2)
    host = product.worker_of(ledger.wait_for_start(job))

    stopwatch()
    os.killpg(host.process.pid or 0, signal.SIGKILL)
    ledger.wait_for_start(job, attempt=2)
    measured("W2 worker host killed, lease 3 s, sweep 1 s: next attempt after", stopwatch())

    ledger.wait_for("succeeded", job)
    job.refresh_from_db()
    assert (job.attempt, ledger.effects(job)) == (2, {job.pk: 1})


def test_w3_rolling_restart_fails_no_job(product, ledger, request_job):
    workers = [product.worker("a"), product.worker("b")]
    made = [request_job(seconds=0.3) for _ in range(24)]

    for worker in workers:
        eventually(lambda: len(ledger.effects(*made)) >= 2)
        worker.process.stop()  # SIGTERM; it would be killed after its patience
        product.worker(worker.name)

    ledger.wait_for("succeeded", *made)
    assert ledger.effects(*made) == {job.pk: 1 for job in made}
    assert {len(ledger.starts(job)) for job in made} == {1}
    for worker in workers:
        assert b"Warm shutdown" in worker.process.log.read_bytes()


def test_w4_frozen_worker_loses_its_job_and_writes_nothing_when_it_thaws(product, ledger, request_job):
    product.beat()
    product.worker("a")
    product.worker("b")
    job = request_job(seconds=2)
    frozen = product.worker_of(ledger.wait_for_start(job))

    os.killpg(frozen.process.pid or 0, signal.SIGSTOP)
    try:
        ledger.wait_for_start(job, attempt=2)
        ledger.wait_for("succeeded", job)
    finally:
        os.killpg(frozen.process.pid or 0, signal.SIGCONT)

    eventually(lambda: b"job.given_up" in frozen.process.log.read_bytes())
    job.refresh_from_db()
    assert (job.state, job.result, ledger.effects(job)) == ("succeeded", {"attempt": 2}, {job.pk: 1})


def test_w5_job_that_kills_its_worker_each_time_is_dead_after_its_last_attempt(product, ledger, request_job):
    worker = product.worker("a")
    pid = worker.process.pid
    job = request_job("crash")

    ledger.wait_for("dead", job)

    job.refresh_from_db()
    assert [attempt for attempt, _ in ledger.starts(job)] == [1, 2, 3]
    assert (job.attempt, job.error_code, ledger.effects(job)) == (3, "worker_lost", {})
    after = request_job()
    ledger.wait_for("succeeded", after)
    assert worker.process.pid == pid


def test_w6_poison_in_the_queue_executes_nothing_and_stops_nobody_for_long(product, ledger, request_job):
    worker = product.lone_worker("a")
    before = clock.now()

    with Redis.from_url(product.redis_url) as broker:
        _poison(broker)
        broker.lpush("default", b"\x00garbage")
    # Nothing can be made of a message that is none: the worker ends, and its supervisor starts it again.
    eventually(lambda: worker.process.pid is None, 90)
    said: list[str] = []

    def is_back() -> bool:
        worker.tend(time.monotonic(), said.append)
        return bool(product.is_ready(worker))

    eventually(is_back, 90)

    job = request_job()
    ledger.wait_for("succeeded", job)
    assert any("ended unexpectedly (code 1)" in line for line in said)
    assert ledger.ask("SELECT DISTINCT job_id FROM fault_start WHERE at > %s", before) == [(job.pk,)]


def _poison(broker: Redis) -> None:
    """An unknown task, wrong arguments, no id of a job, a pickle, and 64 MB."""

    def message(task: str, body: bytes, content_type: str = "application/json") -> bytes:
        return json.dumps(
            {
                "body": base64.b64encode(body).decode(),
                "content-encoding": "utf-8",
                "content-type": content_type,
                "headers": {"id": task, "task": task, "lang": "py"},
                "properties": {
                    "correlation_id": task,
                    "delivery_tag": task,
                    "delivery_info": {"exchange": "", "routing_key": "default"},
                    "body_encoding": "base64",
                },
            }
        ).encode()

    nothing = b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
    broker.lpush("default", message("no.such.task", nothing))
    broker.lpush("default", message("accounts.perform_job", nothing))
    broker.lpush("default", message("accounts.perform_job", b'[[], {"job_id": "1"}, {}]'))
    broker.lpush(
        "default", message("accounts.perform_job", b"cos\nsystem\n(S'false'\ntR.", "application/x-python-serialize")
    )
    broker.lpush("default", message("no.such.task", b'[[], {"text": "' + b"x" * 64_000_000 + b'"}, {}]'))
