from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from config.kernel import clock
from tests.markets.factories import IndicatorValueFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/market/indicators"
DAY = datetime(2026, 3, 12, tzinfo=UTC)


def test_the_latest_of_each_comes_with_its_provenance(client: Client) -> None:
    now = clock.now()
    IndicatorValueFactory.create(at=now - timedelta(hours=1), value=2e12)
    IndicatorValueFactory.create(at=now - timedelta(hours=2), value=1e12)
    IndicatorValueFactory.create(indicator="fear_and_greed", at=now - timedelta(hours=47), value=7.0)
    IndicatorValueFactory.create(indicator="btc_dominance", at=now - timedelta(hours=3), value=50.0)

    body = client.get(URL).json()

    assert body["count"] == len(body["results"]) == 5
    by_name = {row["indicator"]: row for row in body["results"]}
    cap = by_name["total_market_cap"]
    assert (cap["value"], cap["unit"], cap["provider"], cap["quality"]) == (2e12, "USD", "observer", "observed")
    assert (cap["stale"], by_name["fear_and_greed"]["stale"], by_name["btc_dominance"]["stale"]) == (False, False, True)
    assert by_name["eth_dominance"] | {"unit": ""} == {
        "indicator": "eth_dominance",
        "unit": "",
        "value": None,
        "missing_reason": "never_observed",
        "as_of": None,
        "provider": None,
        "quality": None,
        "stale": True,
    }
    assert body["volatility_regime"]["missing_reason"] == "no_bars"


def history(client: Client, name: str = "total_market_cap", **query: Any) -> Any:
    return client.get(f"{URL}/{name}/history", query)


@pytest.fixture
def three_hours(db: None) -> None:
    """Two values in the hour of 10, one in that of 11, none in that of 12, one in that of 13."""
    for minutes, value in ((600, 1e12), (630, 2e12), (660, 3e12), (780, 4e12)):
        IndicatorValueFactory.create(at=DAY + timedelta(minutes=minutes), value=value)


@pytest.mark.usefixtures("three_hours")
def test_a_series_is_the_last_of_each_hour_with_who_said_it_and_what_is_missing(client: Client) -> None:
    body = history(client).json()

    assert [column["name"] for column in body["columns"]] == ["timestamp", "value", "provider"]
    assert body["points"] == [
        ["2026-03-12T10:00:00Z", 2e12, "observer"],
        ["2026-03-12T11:00:00Z", 3e12, "observer"],
        ["2026-03-12T13:00:00Z", 4e12, "observer"],
    ]
    assert body["meta"] == {
        "indicator": "total_market_cap",
        "interval": "1h",
        "interval_seconds": 3600,
        "as_of": "2026-03-12T13:00:00Z",
        "stale": True,
        "source": ["observer"],
        "fill": "none",
        "gaps": [["2026-03-12T12:00:00Z", "2026-03-12T13:00:00Z"]],
        "gap_points": 1,
        "next_start": None,
    }


@pytest.mark.usefixtures("three_hours")
@pytest.mark.parametrize(
    ("query", "values", "next_start"),
    [
        ({"limit": 1}, [4e12], None),
        ({"limit": 1, "start": "2026-03-12"}, [2e12], "2026-03-12T11:00:00Z"),
        ({"start": "2026-03-12T11:00:00Z", "end": "2026-03-12T13:00:00Z"}, [3e12], None),
        ({"interval": "1d"}, [4e12], None),
        ({"provider": "somebody"}, [], None),
    ],
)
def test_a_part_of_it_can_be_asked_for(
    client: Client, query: dict[str, Any], values: list[float], next_start: str | None
) -> None:
    body = history(client, **query).json()

    assert [point[1] for point in body["points"]] == values
    assert body["meta"]["next_start"] == next_start


@pytest.mark.usefixtures("three_hours")
def test_points_may_be_objects(client: Client) -> None:
    assert history(client, shape="objects", limit=1).json()["points"] == [
        {"timestamp": "2026-03-12T13:00:00Z", "value": 4e12, "provider": "observer"}
    ]


def test_an_unknown_indicator_is_not_found_and_the_known_ones_are_named(client: Client) -> None:
    answer = history(client, "mood")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_indicator")
    assert "fear_and_greed" in answer.json()["error"]["details"]["indicators"]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("total_market_cap", {"start": "2026-03-12", "end": "2026-03-12"}),
        ("total_market_cap", {"interval": "5m"}),
        ("fear_and_greed", {"interval": "1h"}),
        ("total_market_cap", {"limit": 5_001}),
        ("total_market_cap", {"page": 1}),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(client: Client, name: str, query: dict[str, Any]) -> None:
    assert history(client, name, **query).status_code == 400
