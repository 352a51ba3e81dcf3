"""All scores of a day, ranked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.kernel import clock
from config.kernel.pages import encode_cursor
from markets.actions import market
from risk.models import RiskScore, ScoreRun
from tests.markets.factories import NOON
from tests.risk.factories import DAY, RiskModelFactory, RiskScoreFactory, ScoreRunFactory, dead, unscored

pytestmark = pytest.mark.django_db

SCORES = "/api/v1/risk/scores"


@pytest.fixture
def run(db: None, monkeypatch: pytest.MonkeyPatch) -> ScoreRun:
    """Four assets: A of 90 points, B of 42, C dead, D too young for a score."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    run = ScoreRunFactory.create(model__is_headline=True)
    extreme = {"score": 90.0, "percentile": 80.0, "band": "extreme", "confidence": "low", "delta": -1.0, "sigma": 2.5}
    RiskScoreFactory.create(asset__slug="a", run=run, **extreme)
    RiskScoreFactory.create(asset__slug="b", run=run, delta=3.0)
    dead(asset__slug="c", run=run)
    unscored(asset__slug="d", run=run)
    return run


def ask(client: Client, **query: Any) -> dict[str, Any]:
    response = client.get(SCORES, query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def symbols(body: dict[str, Any]) -> str:
    return "".join(row["symbol"] for row in body["results"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "CABD"),
        ({"order": "asc"}, "BACD"),
        ({"ordering": "score"}, "BACD"),
        ({"ordering": "-delta"}, "BACD"),
        ({"sort_by": "percentile"}, "CABD"),
        ({"sort_by": "forecast_volatility"}, "ABCD"),
        ({"min_score": 50}, "CA"),
        ({"max_score": 90}, "AB"),
        ({"min_score": 42, "max_score": 42}, "B"),
        ({"band": "extreme"}, "CA"),
        ({"status": "insufficient_history"}, "D"),
        ({"confidence": "low"}, "A"),
        ({"symbols": "b,D"}, "BD"),
        ({"as_of": "2026-03-11"}, "CABD"),
        ({"as_of": "2026-03-10"}, ""),
    ],
)
def test_filters_and_orders(client: Client, run: ScoreRun, query: dict[str, Any], expected: str) -> None:
    body = ask(client, **query)

    assert (symbols(body), body["count"]) == (expected, len(expected))


def test_a_row_says_all_that_a_number_needs(client: Client, run: ScoreRun) -> None:
    row = ask(client, symbols="b")["results"][0]

    assert row == {
        "symbol": "B",
        "slug": "b",
        "name": "B",
        "status": "ok",
        "reason": None,
        "score": 42.0,
        "score_low_90": 28.5,
        "score_high_90": 58.0,
        "is_stablecoin": False,
        "estimate_low_90": 36.5,
        "estimate_high_90": 49.5,
        "percentile": 11.5,
        "band": "moderate",
        "forecast_volatility": 0.44,
        "confidence": "medium",
        "delta": 3.0,
        "observations": 1000,
        "as_of": "2026-03-11",
        "stale": False,
        "model_version": run.model.version,
        "input_hash": RiskScore.objects.get(asset__slug="b").input_hash,
        "url": "/api/v1/cryptocurrencies/b/risk",
    }


def test_a_row_without_a_score_says_why(client: Client, run: ScoreRun) -> None:
    row = ask(client, symbols="d")["results"][0]

    assert (row["score"], row["status"]) == (None, "insufficient_history")
    assert row["reason"] == "Only 9 of the 14 days that are needed."


def test_a_row_is_as_old_as_the_newest_price_behind_it(client: Client, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset__slug="late", run=run, data_to=DAY - timedelta(days=2))

    stale = {row["slug"]: row["stale"] for row in ask(client)["results"]}

    assert stale == {"a": False, "b": False, "c": False, "d": False, "late": True}


def test_a_page_is_kept_no_longer_than_its_first_row_is_fresh(
    client: Client, run: ScoreRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    RiskScoreFactory.create(asset__slug="late", run=run, data_to=DAY - timedelta(days=1))
    before = client.get(SCORES)["ETag"]

    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 13, tzinfo=UTC))

    after = client.get(SCORES, headers={"If-None-Match": before})
    assert after.status_code == 200
    assert {row["slug"]: row["stale"] for row in after.json()["results"]}["late"] is True


@pytest.mark.parametrize("ordering", ["score", "-score", "delta", "-delta", "-forecast_volatility"])
def test_pages_of_one_show_each_row_once(client: Client, run: ScoreRun, ordering: str) -> None:
    whole = symbols(ask(client, ordering=ordering))

    seen, url = "", f"{SCORES}?ordering={ordering}&page_size=1"
    while url:
        body = client.get(url).json()
        assert body["count"] == 4
        seen, url = seen + symbols(body), body["next"]

    assert seen == whole


@pytest.mark.parametrize(
    "query",
    [
        {"min_score": "60", "max_score": "50"},
        {"band": "hot"},
        {"ordering": "score", "order": "asc"},
        {"cursor": "nonsense"},
        {"cursor": encode_cursor({"r": 0, "s": ["score", True], "v": 1.0, "i": 1})},
        {"unknown": "1"},
    ],
)
def test_what_makes_no_sense_is_refused(client: Client, run: ScoreRun, query: dict[str, str]) -> None:
    assert client.get(SCORES, query).status_code == 400


def test_a_cursor_of_yesterdays_run_is_refused(client: Client, run: ScoreRun) -> None:
    following = client.get(SCORES, {"page_size": "1"}).json()["next"]
    ScoreRunFactory.create(model=run.model, as_of=DAY + timedelta(days=1))
    market.touch(at=NOON)

    assert client.get(following).status_code == 400


def test_assets_that_are_not_listed_are_not_ranked(client: Client, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset__slug="e", asset__is_active=False, run=run)

    assert symbols(ask(client)) == "CABD"


@pytest.mark.parametrize(("with_model", "reason"), [(False, "no_model"), (True, "no_run")])
def test_where_nothing_was_scored_the_list_says_so(client: Client, with_model: bool, reason: str) -> None:
    if with_model:
        RiskModelFactory.create(is_headline=True)

    body = ask(client)

    assert (body["count"], body["results"], body["missing_reason"]) == (0, [], reason)


def test_twelve_rows_cost_no_more_questions_than_one(client: Client, run: ScoreRun) -> None:
    def questions(size: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert len(ask(client, page_size=size)["results"]) == size
        return len(seen)

    ask(client)  # learns the data version
    for number in range(8):
        RiskScoreFactory.create(asset__slug=f"more-{number}", run=run)

    assert questions(12) == questions(1)
