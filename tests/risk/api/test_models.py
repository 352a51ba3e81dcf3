"""What the API says of the versions of the model."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from risk import model_card
from risk.models import RiskModel
from risk.parameters import Parameters
from tests.risk.factories import (
    DAY,
    BacktestFactory,
    DayOutcomeFactory,
    MonthOutcomeFactory,
    RiskFitFactory,
    RiskModelFactory,
    RiskScoreFactory,
    ScoreRunFactory,
)

pytestmark = pytest.mark.django_db

MODELS = "/api/v1/risk/models"
CALIBRATION = "/api/v1/risk/calibration"


def get(client: Client, url: str, **query: Any) -> dict[str, Any]:
    response = client.get(url, query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def test_the_model_in_charge_comes_first_and_drafts_not_at_all(client: Client) -> None:
    headline = ScoreRunFactory.create(model__is_headline=True).model
    retired = RiskModelFactory.create(state=RiskModel.State.RETIRED)
    RiskModelFactory.create(state=RiskModel.State.DRAFT)

    rows = get(client, MODELS)["results"]

    assert [(row["version"], row["state"], row["headline"], row["scored_as_of"]) for row in rows] == [
        (headline.version, "active", True, "2026-03-11"),
        (retired.version, "retired", False, None),
    ]


def test_a_card_tells_method_limits_and_what_was_learnt_from(client: Client) -> None:
    fit = RiskFitFactory.create(model__parameters={"penalty": 0.01})

    card = get(client, f"{MODELS}/{fit.model.version}")

    assert card["parameters"] == {"penalty": 0.01}
    assert card["method"] == list(model_card.METHOD)
    assert card["limits"] == list(model_card.LIMITS)
    assert card["what_this_is_not"] == list(model_card.WHAT_THIS_IS_NOT)
    learnt = card["learnt_from"]
    assert (learnt["first_date"], learnt["last_date"], learnt["dates"]) == ("2024-01-01", "2024-01-31", 2)
    assert (learnt["observations"], learnt["calibrated_on"], learnt["input_hash"]) == (400, 120, fit.input_hash)


def test_the_schema_has_a_type_for_each_parameter_and_coefficient(client: Client) -> None:
    schemas = get(client, "/openapi.json")["components"]["schemas"]

    told = {name: parameter["type"] for name, parameter in schemas["ModelParameters"]["properties"].items()}
    types = {float: "number", int: "integer"}
    assert told == {name: types[type(value)] for name, value in Parameters().stored().items()}
    coefficients = schemas["LearntFrom"]["properties"]["coefficients"]["additionalProperties"]
    assert (coefficients["type"], coefficients["minimum"]) == ("number", 0)


def test_a_model_that_has_learnt_nothing_says_so(client: Client) -> None:
    model = RiskModelFactory.create()

    assert get(client, f"{MODELS}/{model.version}")["learnt_from"] is None


def test_an_unknown_version_is_answered_with_the_known_ones(client: Client) -> None:
    model = RiskModelFactory.create()

    answer = client.get(f"{MODELS}/2.0")

    assert answer.status_code == 404
    assert answer.json()["error"]["details"]["models"] == [model.version]


def test_the_newest_backtest_is_shown(client: Client) -> None:
    old = BacktestFactory.create()
    BacktestFactory.create(model=old.model, created_at=old.created_at + timedelta(days=1), forecasts=9)

    body = get(client, f"{MODELS}/{old.model.version}/backtest")

    assert (body["forecasts"], body["days"], body["horizon_days"]) == (9, 365, 1)
    assert body["results"] == old.results


def test_what_an_earlier_release_did_not_ask_is_null(client: Client) -> None:
    stored = {"method": "combined", "level": 0.975, "rate": 0.026, "kupiec_passed": 0.97}
    backtest = BacktestFactory.create(results=[stored])

    (result,) = get(client, f"{MODELS}/{backtest.model.version}/backtest")["results"]

    assert result == dict.fromkeys(BacktestFactory.results[0]) | stored


def test_fewer_than_sixty_days_are_no_backtest(client: Client) -> None:
    backtest = BacktestFactory.create(days=59)

    answer = client.get(f"{MODELS}/{backtest.model.version}/backtest")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "insufficient_history")
    assert (error["details"]["days"], error["details"]["needed"]) == (59, 60)


def test_a_backtest_of_too_few_days_hides_none_before_it(client: Client) -> None:
    told = BacktestFactory.create(forecasts=9)
    BacktestFactory.create(model=told.model, created_at=told.created_at + timedelta(days=1), days=59)

    assert get(client, f"{MODELS}/{told.model.version}/backtest")["forecasts"] == 9


def test_a_backtest_whose_days_nobody_counted_is_none(client: Client) -> None:
    backtest = BacktestFactory.create(days=None)

    assert client.get(f"{MODELS}/{backtest.model.version}/backtest").json()["error"]["code"] == "no_backtest"


def test_sixty_days_are_one(client: Client) -> None:
    backtest = BacktestFactory.create(days=60)

    assert get(client, f"{MODELS}/{backtest.model.version}/backtest")["days"] == 60


def test_without_a_backtest_there_is_nothing_to_show(client: Client) -> None:
    model = RiskModelFactory.create()

    answer = client.get(f"{MODELS}/{model.version}/backtest")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_backtest")


def test_calibration_counts_by_model_horizon_level_and_bucket(client: Client) -> None:
    run = ScoreRunFactory.create()
    for bucket, exceeded in (("large, long", True), ("large, long", False), ("small, short", False)):
        score = RiskScoreFactory.create(run=run, bucket=bucket)
        DayOutcomeFactory.create(score=score, is_exceeded=exceeded)
        MonthOutcomeFactory.create(score=score)

    rows = get(client, CALIBRATION)["results"]

    assert [(row["what"], row["level"], row["bucket"], row["n"], row["hits"]) for row in rows] == [
        ("value_at_risk_exceeded", 0.975, None, 3, 1),
        ("value_at_risk_exceeded", 0.975, "large, long", 2, 1),
        ("value_at_risk_exceeded", 0.975, "small, short", 1, 0),
        ("inside_interval", 0.9, None, 3, 3),
        ("inside_interval", 0.9, "large, long", 2, 2),
        ("inside_interval", 0.9, "small, short", 1, 1),
    ]
    pooled = rows[0]
    assert (pooled["hit_rate"], pooled["expected_rate"]) == (pytest.approx(1 / 3), pytest.approx(0.025))
    assert pooled["interval"]["low"] < 1 / 3 < pooled["interval"]["high"]
    # All of one night: as good as one trial.
    assert (pooled["interval"]["clusters"], pooled["interval"]["effective_n"]) == (1, 1.0)
    assert (pooled["since"], pooled["until"]) == ("2026-03-11", "2026-03-11")


def test_months_that_overlap_are_worth_less_than_days(client: Client) -> None:
    model = RiskModelFactory.create()
    for nights, hit in ((0, True), (40, True), (80, False)):
        score = RiskScoreFactory.create(run__model=model, run__as_of=DAY - timedelta(days=nights))
        DayOutcomeFactory.create(score=score, is_exceeded=hit)
        MonthOutcomeFactory.create(score=score, is_inside=hit)

    day, month = (row["interval"] for row in get(client, CALIBRATION)["results"] if row["bucket"] is None)

    assert (day["clusters"], month["clusters"]) == (3, 3)
    assert day["effective_n"] == pytest.approx(1.5 * month["effective_n"])


def test_calibration_of_a_part(client: Client) -> None:
    old = ScoreRunFactory.create(as_of=DAY - timedelta(days=10))
    new = ScoreRunFactory.create()
    for run in (old, new):
        score = RiskScoreFactory.create(run=run)
        DayOutcomeFactory.create(score=score)
        MonthOutcomeFactory.create(score=score)

    def seen(**query: str) -> set[tuple[str, int]]:
        return {(row["model_version"], row["horizon_days"]) for row in get(client, CALIBRATION, **query)["results"]}

    assert seen(model=old.model.version) == {(old.model.version, 1), (old.model.version, 30)}
    assert seen(horizon="day") == {(old.model.version, 1), (new.model.version, 1)}
    assert seen(start="2026-03-05", horizon="day") == {(new.model.version, 1)}
    assert seen(end="2026-03-05", horizon="day") == {(old.model.version, 1)}


@pytest.mark.parametrize(
    ("shortfalls", "statistic"), [((0.0,), None), ((0.0, 0.05), pytest.approx(0.1 / 0.05 / 0.025 - 1))]
)
def test_loss_of_what_had_never_fallen_is_a_hit_without_a_ratio(
    client: Client, shortfalls: tuple[float, ...], statistic: float | None
) -> None:
    run = ScoreRunFactory.create()
    for shortfall in shortfalls:
        DayOutcomeFactory.create(
            score__run=run,
            value_at_risk=0.0,
            expected_shortfall=shortfall,
            realised_return=-0.1,
            is_exceeded=True,
        )

    pooled = get(client, CALIBRATION)["results"][0]

    assert (pooled["hits"], pooled["shortfall_statistic"]) == (len(shortfalls), statistic)
    assert (pooled["n"], pooled["shortfall_n"]) == (len(shortfalls), len(shortfalls) - 1)


@pytest.mark.parametrize(("is_exceeded", "statistic"), [(True, None), (False, -1.0)])
def test_hits_without_a_shortfall_are_not_told_as_no_hits(
    client: Client, is_exceeded: bool, statistic: float | None
) -> None:
    run = ScoreRunFactory.create()
    DayOutcomeFactory.create(score__run=run)
    gain = {"value_at_risk": -0.01, "expected_shortfall": -0.005, "realised_return": 0.002 if is_exceeded else 0.02}
    DayOutcomeFactory.create(score__run=run, is_exceeded=is_exceeded, **gain)

    pooled = get(client, CALIBRATION)["results"][0]

    assert (pooled["n"], pooled["hits"], pooled["shortfall_n"]) == (2, int(is_exceeded), 1)
    assert pooled["shortfall_statistic"] == statistic


def test_without_an_outcome_the_table_says_why_it_is_empty(client: Client) -> None:
    body = get(client, CALIBRATION)

    assert (body["count"], body["missing_reason"]) == (0, "no_outcomes")
