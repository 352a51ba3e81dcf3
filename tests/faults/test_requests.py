"""Clients that ask twice, and clients that change their mind."""

import json
import random
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import AuditEntry, Job
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import SessionFactory, UserFactory
from tests.support.processes import eventually

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

SYNC = "/api/v1/cryptocurrencies/sync"


@pytest.fixture
def headers(ledger):
    person = UserFactory.create(role=Role.OPERATOR, username=f"operator_{time.time_ns()}")
    at = clock.now()
    return {"Authorization": f"Bearer {tokens.access_token(SessionFactory.create(user=person, created_at=at), at=at)}"}


def test_s2_of_fifty_requests_with_one_key_one_is_done(product, ledger, headers):
    product.web()
    product.worker("a")
    eventually(lambda: product.get("/readyz")[0] == 200, 60)
    request = urllib.request.Request(
        f"http://127.0.0.1:{product.web_port}{SYNC}",
        data=b"",
        method="POST",
        headers={**headers, "Idempotency-Key": "monday", "Content-Type": "application/json"},
    )

    def post(_: int) -> tuple[int, bytes, str]:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # http on the loopback
            return answer.status, answer.read(), answer.headers.get("Idempotent-Replayed", "false")

    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(post, range(50)))

    assert {(status, body) for status, body, _ in answers} == {(202, answers[0][1])}
    assert sorted(replayed for *_, replayed in answers) == ["false"] + ["true"] * 49
    job = Job.objects.get()
    assert json.loads(answers[0][1])["data"]["task_id"] == str(job.pk)
    ledger.wait_for("succeeded", job)
    assert ledger.effects(job) == {job.pk: 1}


def test_w7_cancelled_jobs_have_no_effect_whenever_they_were_cancelled(
    product, ledger, headers, request_job, settings, redis_server
):
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000
    product.beat()
    product.worker("a")
    product.worker("b")
    chance = random.Random(7)
    client = Client(headers=headers)
    made: list[Job] = []
    answers: dict[Job, list[str]] = {}

    def cancel(job: Job) -> None:
        answer = client.delete(f"/api/v1/tasks/{job.pk}")
        assert answer.status_code == 200, answer.content
        answers.setdefault(job, []).append(answer.json()["data"]["cancellation"])

    for _ in range(200):
        made.append(request_job(seconds=chance.choice([0, 0.1, 0.2, 0.4])))
        for job in chance.sample(made, min(len(made), chance.randint(0, 2))):
            cancel(job)  # one that waits, runs, ends just now, has ended, or was cancelled before
    for job in made:
        if job not in answers:
            cancel(job)

    ended = {"succeeded", "cancelled"}
    eventually(lambda: set(ledger.states(*made).values()) <= ended, 120)
    states, effects = ledger.states(*made), ledger.effects(*made)
    assert len(states) == 200
    assert effects == {pk: 1 for pk, state in states.items() if state == "succeeded"}
    assert set(states.values()) == ended
    for job, said in answers.items():
        order = ["cancelling", "too_late", "cancelled"]
        assert said == sorted(said, key=order.index)  # once settled, an answer stays
        if "cancelled" in said:
            assert states[job.pk] == "cancelled"
        if "too_late" in said:
            assert states[job.pk] == "succeeded"
    traces = AuditEntry.objects.filter(verb__startswith="accounts.job.cancel", subject_id__in=[job.pk for job in made])
    assert traces.count() <= 200
