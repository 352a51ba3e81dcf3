from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, Job, User
from accounts.roles import Role
from risk.actions import risk_models
from risk.models import RiskModel
from tests.accounts.factories import UserFactory
from tests.risk.factories import RiskModelFactory
from tests.risk.markets import LAST, NOON, coin

pytestmark = pytest.mark.django_db

Bearer = Callable[[User], dict[str, str]]

RUNS = "/api/v1/risk/runs"
WHY = {"reason": "The prices of yesterday came late."}


@pytest.fixture
def operator(db: None) -> User:
    return UserFactory.create(role=Role.OPERATOR)


def ask(client: Client, headers: dict[str, str], query: str = "", body: dict[str, str] = WHY) -> Any:
    return client.post(f"{RUNS}{query}", body, content_type="application/json", headers=headers)


def test_an_operator_asks_for_the_scores_of_a_day_and_a_model(client: Client, bearer: Bearer, operator: User) -> None:
    model = risk_models.register(at=NOON)
    coin("bitcoin", [1.0])

    answer = ask(client, bearer(operator), f"?as_of={LAST}&model={model.version}")

    job = Job.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {"data": {"task_id": str(job.pk), "status": "PENDING"}}
    assert (job.kind, job.owner) == ("score_universe", operator)
    assert job.parameters == {"as_of": LAST.isoformat(), "model": model.version}
    entry = AuditEntry.objects.get(verb="risk.run.asked_for")
    assert (entry.actor, entry.reason, entry.after) == (operator, WHY["reason"], job.parameters)


def test_without_parameters_it_is_what_the_schedule_asks_for(client: Client, bearer: Bearer, operator: User) -> None:
    assert ask(client, bearer(operator)).status_code == 202

    assert Job.objects.get().parameters == {"as_of": None, "model": None}


@pytest.mark.parametrize(
    ("query", "body", "status", "field"),
    [
        ("?as_of=0001-01-01", WHY, 422, None),
        (f"?as_of={LAST - timedelta(days=2)}", WHY, 422, None),
        ("?as_of=2026-03-12", WHY, 400, "as_of"),
        ("?as_of=yesterday", WHY, 400, "as_of"),
        ("?model=0.0.0", WHY, 404, None),
        ("", {}, 400, "reason"),
        ("", {"reason": " "}, 400, "reason"),
    ],
)
def test_what_cannot_be_starts_nothing(
    client: Client,
    bearer: Bearer,
    operator: User,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    body: dict[str, str],
    status: int,
    field: str | None,
) -> None:
    headers = bearer(operator)
    coin("bitcoin", [1.0, 1.1])
    monkeypatch.setattr("risk.runs.scoring.last_close", lambda at: LAST)

    answer = ask(client, headers, query, body)

    assert answer.status_code == status
    if field is not None:
        assert list(answer.json()["error"]["details"]["fields"]) == [field]
    assert not Job.objects.exists()


def test_a_retired_version_is_refused_before_anything_starts(client: Client, bearer: Bearer, operator: User) -> None:
    retired = RiskModelFactory.create(state=RiskModel.State.RETIRED)

    answer = ask(client, bearer(operator), f"?model={retired.version}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "risk_model_not_active")
    assert not Job.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MODERATOR])
def test_others_may_not(client: Client, bearer: Bearer, role: Role) -> None:
    assert ask(client, bearer(UserFactory.create(role=role))).status_code == 403
    assert not Job.objects.exists()
