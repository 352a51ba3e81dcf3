from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client

from accounts.actions import idempotent_answers
from accounts.models import AuditEntry, IdempotentAnswer, Job
from accounts.roles import Role
from config.kernel import errors
from markets.runs import sync
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.integration

SYNC = "/api/v1/cryptocurrencies/sync"
JSON = "application/json"


@pytest.fixture
def operator(db):
    return UserFactory.create(role=Role.OPERATOR)


@pytest.fixture
def post(client, bearer, operator, settings):
    settings.SYNC_RATE_LIMIT_PER_MINUTE = 1_000

    def post(key, url=SYNC, *, by=operator, header="Idempotency-Key", **more):
        headers = bearer(by) | ({header: key} if key is not None else {})
        return client.post(url, more.get("body", ""), content_type=JSON, headers=headers)

    return post


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_second_request_with_a_key_is_answered_as_the_first_and_does_nothing(post):
    first, second = post("monday"), post("monday", header="X-Idempotency-Key")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert first["Location"] == second["Location"]
    assert first["Content-Type"] == second["Content-Type"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert (Job.objects.count(), AuditEntry.objects.count()) == (1, 1)


def test_slash_at_the_end_makes_no_other_request(post):
    assert post("monday").content == post("monday", f"{SYNC}/").content
    assert Job.objects.count() == 1


def test_without_a_key_every_request_counts(post):
    assert [post(None).status_code for _ in range(2)] == [202, 202]
    assert (Job.objects.count(), IdempotentAnswer.objects.count()) == (2, 0)


def test_another_key_or_another_person_is_another_request(post):
    post("monday")
    post("tuesday")
    post("monday", by=UserFactory.create(role=Role.OPERATOR))

    assert Job.objects.count() == 3


@pytest.mark.parametrize("other", [{"url": f"{SYNC}?limit=50"}, {"body": "{}"}])
def test_another_request_under_the_same_key_is_refused(post, other):
    post("monday")

    assert error(post("monday", **other)) == (422, "idempotency_key_reused")
    assert Job.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_key_that_cannot_be_one_is_refused(post, key):
    answer = post(key)

    assert error(answer) == (400, "validation_error")
    assert "Idempotency-Key" in answer.json()["error"]["details"]["fields"]
    assert not Job.objects.exists()


def test_two_keys_that_differ_are_refused(client, bearer, operator):
    headers = bearer(operator) | {"Idempotency-Key": "a", "X-Idempotency-Key": "b"}

    assert error(client.post(SYNC, content_type=JSON, headers=headers)) == (400, "validation_error")
    assert not Job.objects.exists()


def test_longest_key_is_kept(post):
    assert post("x" * 255).content == post("x" * 255).content
    assert Job.objects.count() == 1


def test_refusal_of_the_parameters_is_not_kept(post):
    assert error(post("monday", f"{SYNC}?limit=0")) == (400, "validation_error")
    assert post("monday").status_code == 202


@pytest.fixture
def refusing(monkeypatch):
    """Let the first start end in this problem, after it has written something."""

    def refusing(problem):
        original = sync.request
        answers = [problem]

        def request(*args, **kwargs):
            job = original(*args, **kwargs)
            if answers:
                raise answers.pop()
            return job

        monkeypatch.setattr(sync, "request", request)

    return refusing


@pytest.mark.parametrize("status", [400, 409, 429, 500, 503])
def test_refusal_that_may_pass_is_not_kept_and_leaves_nothing(post, refusing, client, status):
    client.raise_request_exception = False
    kinds = {400: errors.ValidationFailed, 409: errors.Conflict, 429: errors.RateLimited, 500: ZeroDivisionError}
    refusing(kinds.get(status, errors.ServiceUnavailable)())

    assert post("monday").status_code == status
    assert (Job.objects.count(), IdempotentAnswer.objects.count()) == (0, 0)
    assert post("monday").status_code == 202
    assert Job.objects.count() == 1


def test_refusal_that_stays_is_repeated_and_leaves_nothing_else(post, refusing):
    refusing(errors.Impossible("There is too little history."))

    first, second = post("monday"), post("monday")

    assert error(first) == (422, "impossible")
    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true"
    assert not Job.objects.exists()


def test_key_is_free_again_after_a_day_and_its_answer_removed(post):
    first = post("monday")
    IdempotentAnswer.objects.update(created_at=F("created_at") - timedelta(hours=23, minutes=59))
    assert post("monday").content == first.content
    IdempotentAnswer.objects.update(created_at=F("created_at") - timedelta(minutes=2))

    assert post("monday").content != first.content
    assert Job.objects.count() == 2

    IdempotentAnswer.objects.update(created_at=F("created_at") - timedelta(hours=25))
    assert idempotent_answers.remove_old() == 1
    assert not IdempotentAnswer.objects.exists()


def test_request_whose_first_is_still_being_answered_is_told_to_come_back(
    committed_db, superuser_connection, client, bearer
):
    operator = UserFactory.create(role=Role.OPERATOR)
    fingerprint = idempotent_answers.Fingerprint(operator, "POST", SYNC, "monday", b"")
    superuser_connection.execute("SELECT pg_advisory_lock(%s)", [fingerprint.lock])
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")

        answer = client.post(SYNC, content_type=JSON, headers=bearer(operator) | {"Idempotency-Key": "monday"})

    assert error(answer) == (409, "idempotency_in_progress")
    assert answer["Retry-After"] == "1"
    assert not Job.objects.exists()
    connection.close()


@pytest.mark.timeout(120)
def test_of_fifty_requests_at_once_one_is_done_and_all_are_answered_the_same(committed_db, bearer, settings):
    settings.SYNC_RATE_LIMIT_PER_MINUTE = 1_000
    headers = bearer(UserFactory.create(role=Role.OPERATOR)) | {"Idempotency-Key": "monday"}
    connection.close()
    barrier = Barrier(50)

    def post(_: int):
        try:
            barrier.wait(timeout=60)
            return Client().post(SYNC, content_type=JSON, headers=headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(post, range(50)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({(answer.content, answer["Location"]) for answer in answers}) == 1
    assert sorted(answer.get("Idempotent-Replayed", "false") for answer in answers) == ["false"] + ["true"] * 49
    assert (Job.objects.count(), AuditEntry.objects.count()) == (1, 1)
    connection.close()
