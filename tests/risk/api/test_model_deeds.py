from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.roles import Role
from risk.actions import risk_models
from risk.models import RiskModel
from risk.parameters import Parameters
from tests.accounts.factories import UserFactory
from tests.risk.factories import RiskModelFactory, ScoreRunFactory
from tests.risk.markets import LAST, NOON

pytestmark = pytest.mark.django_db

Bearer = Callable[[User], dict[str, str]]
Ask = Callable[..., Any]

MODELS = "/api/v1/admin/risk/models"


@pytest.fixture
def boss(db: None) -> User:
    return UserFactory.create(role=Role.ADMIN)


@pytest.fixture
def ask(client: Client, bearer: Bearer, boss: User, settings: Any) -> Ask:
    """Let an administrator do something to a version."""
    settings.ADMIN_REQUIRE_2FA = False
    headers = bearer(boss)

    def ask(version: str, deed: str, **body: str) -> Any:
        body = body or {"reason": "It covers better."}
        return client.post(f"{MODELS}/{version}/{deed}", body, content_type="application/json", headers=headers)

    return ask


def test_a_version_goes_from_draft_to_headline_to_retirement(ask: Ask, boss: User) -> None:
    first = risk_models.register(at=NOON)
    draft = risk_models.register(at=NOON, parameters=Parameters(penalty=0.02))

    told = [
        ask(version, deed).json()
        for version, deed in (
            (draft.version, "activate"),
            (draft.version, "headline"),
            (first.version, "retire"),
        )
    ]

    assert [(row["version"], row["state"], row["headline"]) for row in told] == [
        (draft.version, "active", False),
        (draft.version, "active", True),
        (first.version, "retired", False),
    ]
    entries = AuditEntry.objects.filter(actor=boss).order_by("pk").values_list("verb", "reason")
    assert list(entries) == [
        ("risk.model.activated", "It covers better."),
        ("risk.model.made_headline", "It covers better."),
        ("risk.model.retired", "It covers better."),
    ]


def test_a_headline_without_scores_is_refused_and_told_what_to_do(ask: Ask) -> None:
    old = RiskModelFactory.create(is_headline=True)
    ScoreRunFactory.create(model=old, as_of=LAST)
    new = RiskModelFactory.create()
    ScoreRunFactory.create(model=new, as_of=LAST - timedelta(days=1))

    error = ask(new.version, "headline").json()["error"]

    assert error["code"] == "risk_model_not_scored"
    assert f"`score_universe --model {new.version}` first" in error["message"]
    assert (error["details"]["version"], error["details"]["needed"]) == (new.version, LAST.isoformat())
    assert RiskModel.objects.get(is_headline=True) == old


@pytest.mark.parametrize(
    ("deed", "body", "status", "code"),
    [
        ("activate", {}, 409, "risk_model_not_draft"),
        ("retire", {}, 409, "risk_model_is_headline"),
        ("retire", {"reason": " "}, 400, "validation_error"),
        ("retire", {"why": "So."}, 400, "validation_error"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    ask: Ask, deed: str, body: dict[str, str], status: int, code: str
) -> None:
    model = risk_models.register(at=NOON)

    answer = ask(model.version, deed, **body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    model.refresh_from_db()
    assert (model.state, model.is_headline) == ("active", True)


def test_an_unknown_version_is_not_found(ask: Ask) -> None:
    model = risk_models.register(at=NOON)

    answer = ask("0.0.0", "activate")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]["models"]) == (404, "unknown_model", [model.version])


def test_administrators_see_drafts_too(client: Client, bearer: Bearer, boss: User, settings: Any) -> None:
    settings.ADMIN_REQUIRE_2FA = False
    headline = ScoreRunFactory.create(model__is_headline=True, as_of=LAST).model
    draft = RiskModelFactory.create(state=RiskModel.State.DRAFT)

    body = client.get(MODELS, headers=bearer(boss)).json()

    assert (body["count"], body["next"]) == (2, None)
    assert [(row["version"], row["state"], row["scored_as_of"]) for row in body["results"]] == [
        (headline.version, "active", LAST.isoformat()),
        (draft.version, "draft", None),
    ]


@pytest.mark.parametrize("deed", ["activate", "headline", "retire"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.MODERATOR, Role.OPERATOR])
def test_others_may_not(client: Client, bearer: Bearer, role: Role, deed: str) -> None:
    model = RiskModelFactory.create()
    headers = bearer(UserFactory.create(role=role))

    answer = client.post(
        f"{MODELS}/{model.version}/{deed}", {"reason": "x"}, content_type="application/json", headers=headers
    )

    assert answer.status_code == 403
    assert not AuditEntry.objects.about(model).exists()
