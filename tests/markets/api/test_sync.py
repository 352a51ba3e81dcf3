from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Job, User
from accounts.roles import Role
from markets.runs.sync import KIND
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db

Bearer = Callable[[User], dict[str, str]]

JSON = "application/json"
SYNC = "/api/v1/cryptocurrencies/sync"


def test_an_operator_starts_a_sync_and_is_told_where_to_look(client: Client, bearer: Bearer) -> None:
    operator = UserFactory.create(role=Role.OPERATOR)

    answer = client.post(f"{SYNC}?limit=50&provider=coingecko", content_type=JSON, headers=bearer(operator))

    job = Job.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {"data": {"task_id": str(job.pk), "status": "PENDING"}}
    assert answer["Location"] == f"/api/v1/tasks/{job.pk}/status"
    assert (job.kind, job.owner) == (KIND, operator)
    assert job.parameters == {"limit": 50, "provider": "coingecko", "cross_check": False}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MODERATOR])
def test_others_may_not(client: Client, bearer: Bearer, role: Role) -> None:
    answer = client.post(SYNC, content_type=JSON, headers=bearer(UserFactory.create(role=role)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")
    assert not Job.objects.exists()


def test_nobody_may_without_signing_in(client: Client) -> None:
    assert client.post(SYNC, content_type=JSON).status_code == 401
    assert not Job.objects.exists()


@pytest.mark.parametrize("query", ["limit=0", "limit=20001", "provider=nobody", "force=1"])
def test_bad_parameters_start_nothing(client: Client, bearer: Bearer, query: str) -> None:
    answer = client.post(f"{SYNC}?{query}", content_type=JSON, headers=bearer(UserFactory.create(role=Role.OPERATOR)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_error")
    assert not Job.objects.exists()


def test_ten_syncs_a_minute_are_enough(client: Client, bearer: Bearer) -> None:
    headers = bearer(UserFactory.create(role=Role.OPERATOR))

    answers = [client.post(SYNC, content_type=JSON, headers=headers) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [202] * 10 + [429]
    assert answers[-1].json()["error"]["details"]["scope"] == "sync"
    assert Job.objects.count() == 10


def test_reading_the_route_is_not_starting_it(client: Client) -> None:
    answer = client.get(SYNC)

    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
