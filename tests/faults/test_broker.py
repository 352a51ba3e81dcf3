"""A broker that dies, forgets a little, or forgets everything."""

import pytest
from redis import Redis

from tests.support.processes import eventually

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]


def test_b1_jobs_outlive_a_broker_that_dies_and_forgets_its_last_second(
    product, ledger, request_job, measured, stopwatch
):
    product.beat()
    product.worker("a")
    product.worker("b")
    made = [request_job(seconds=0.2) for _ in range(40)]

    product.kill_valkey()
    product.truncate_log_of_valkey(2_000)
    made += [request_job(seconds=0.2) for _ in range(10)]  # accepted all the same
    stopwatch()
    product.revive_servers()

    ledger.wait_for("succeeded", *made, seconds=120)
    measured("B1 broker killed with 50 jobs: all done after its return in", stopwatch())
    assert ledger.effects(*made) == {job.pk: 1 for job in made}


def test_b2_jobs_outlive_a_broker_that_forgets_everything(product, ledger, request_job, measured, stopwatch):
    product.beat()
    product.worker("a")
    product.worker("b")
    made = [request_job(seconds=0.05) for _ in range(200)]
    eventually(lambda: len(ledger.effects(*made)) >= 20)

    with Redis.from_url(product.redis_url) as broker:
        broker.flushall()
    stopwatch()

    ledger.wait_for("succeeded", *made, seconds=150)
    measured("B2 broker flushed with 200 jobs: all done in", stopwatch())
    assert ledger.effects(*made) == {job.pk: 1 for job in made}
