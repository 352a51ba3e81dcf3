"""Every page of risk: who sees it, who does not, and that a long list costs no more than a short one."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from tests.markets.admin.conftest import Enter
from tests.risk.factories import (
    BacktestFactory,
    CalibrationDayFactory,
    DayOutcomeFactory,
    RiskFitFactory,
    RiskModelFactory,
    RiskScoreFactory,
    ScoreRunFactory,
    WrappingFactory,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FACTORIES: dict[str, Any] = {
    "backtest": BacktestFactory,
    "calibrationday": CalibrationDayFactory,
    "forecastoutcome": DayOutcomeFactory,
    "riskfit": RiskFitFactory,
    "riskmodel": RiskModelFactory,
    "riskscore": RiskScoreFactory,
    "scorerun": ScoreRunFactory,
    "wrapping": WrappingFactory,
}
READ_ONLY = sorted(FACTORIES.keys() - {"wrapping"})
CALIBRATION = "/admin/risk/forecastoutcome/calibration/"


def url(model: str, page: str, *args: Any) -> str:
    return reverse(f"admin:risk_{model}_{page}", args=args)


def test_every_registered_model_is_tested_here() -> None:
    registered = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "risk"}
    assert registered == set(FACTORIES)


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("model", FACTORIES)
def test_moderators_and_above_see_every_list_and_every_row(
    client: Client, enter: Enter, role: Role, model: str
) -> None:
    enter(role)
    row = FACTORIES[model].create()

    assert client.get(url(model, "changelist")).status_code == 200
    assert client.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
@pytest.mark.parametrize("path", [*(f"/admin/risk/{model}/" for model in FACTORIES), CALIBRATION])
def test_others_are_sent_to_the_login(client: Client, enter: Enter, role: Role, path: str) -> None:
    enter(role)

    assert client.get(path).status_code == 302


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("model", READ_ONLY)
def test_nobody_writes_a_row_by_hand(client: Client, enter: Enter, role: Role, model: str) -> None:
    enter(role)
    row = FACTORIES[model].create()
    before = list(type(row).objects.order_by("pk").values())

    answers = [
        client.post(url(model, "add"), {}),
        client.post(url(model, "change", row.pk), {}),
        client.post(url(model, "delete", row.pk), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert list(type(row).objects.order_by("pk").values()) == before


@pytest.mark.parametrize("model", FACTORIES)
def test_a_list_asks_as_many_questions_for_twelve_rows_as_for_one(client: Client, enter: Enter, model: str) -> None:
    enter(Role.ADMIN)

    def questions() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url(model, "changelist")).status_code == 200
        return len(seen)

    FACTORIES[model].create()
    questions()  # content types and the like are remembered
    few = questions()
    for _ in range(11):
        FACTORIES[model].create()
    # A filter by model shows itself once there are two of them.
    assert questions() <= few + 1


def test_calibration_shows_each_rate_with_its_interval(client: Client, enter: Enter) -> None:
    enter(Role.MODERATOR)
    outcome = DayOutcomeFactory.create()

    page = client.get(CALIBRATION).content.decode()

    assert outcome.score.model.version in page
    assert "value_at_risk_exceeded" in page
    assert "0.0000 to 0.7935" in page  # Wilson's interval of none in one
