"""Scores as the engine stores them, through the doors: nothing that it says is unknown to the words of the API."""

from typing import Any

import pytest
from django.test import Client

from config.kernel import clock
from risk.actions import risk_models
from risk.models import RiskScore
from risk.runs import course
from tests.risk.markets import LAST, NOON, coin, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture
def scored(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated market and a coin that is too young, scored as of yesterday."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    simulated()
    coin("young", walk(9, seed=1).tolist())
    course.score(risk_models.register(at=NOON), LAST)


def test_every_asset_explains_its_score_which_adds_up(client: Client, scored: None) -> None:
    explained = 0
    for score in RiskScore.objects.select_related("asset"):
        body: dict[str, Any] = client.get(f"/api/v1/cryptocurrencies/{score.asset.slug}/risk").json()
        assert (body["status"], body["score"]) == (score.status, score.score)
        assert body["explanation"]
        if body["score"] is None:
            assert body["reason"]
            continue
        explained += 1
        assert sum(factor["points"] for factor in body["factors"]) == pytest.approx(body["score"], abs=1e-9)
        assert body["provenance"]["input_hash"] == score.input_hash
        assert all(loss["value_at_risk"] <= loss["expected_shortfall"] for loss in body["tail"])
        assert all(interval["low"] <= body[interval["of"]] <= interval["high"] for interval in body["intervals"])
    assert explained > 10


def test_the_listing_ranks_by_what_the_engine_stored(client: Client, scored: None) -> None:
    shown = client.get("/api/v1/cryptocurrencies/top/risk").json()["results"]

    stored = dict(RiskScore.objects.values_list("asset__slug", "score"))
    assert {row["slug"]: row["risk"]["score"] for row in shown} == stored
    values = [row["risk"]["score"] for row in shown if row["risk"]["score"] is not None]
    assert values == sorted(values, reverse=True)
    assert [row["risk"]["status"] for row in shown if row["slug"] == "young"] == ["insufficient_history"]
