"""A part of the real panel through the whole engine."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from markets.models import Asset
from markets.runs import price_import
from risk.actions import risk_models
from risk.models import RiskScore
from risk.runs import course, recomputation
from tests.risk.markets import NOON

FOLDER = os.environ.get("REAL_DATA_DIR")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db,
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER, reason="REAL_DATA_DIR names no folder with real market data"),
]


def test_real_coins_have_scores_that_add_up_and_can_be_recomputed():
    (path,) = Path(FOLDER or "", "daily").glob("starter_36coins_*.csv.gz")
    price_import.perform(price_import.Parameters(path), at=NOON)

    run = course.score(risk_models.register(at=NOON), date(2025, 5, 31))

    rows: list[Any] = list(RiskScore.objects.filter(run=run).select_related("run__fit", "run__model", "model"))
    assert len(rows) == Asset.objects.count()
    assert run.counts["ok"] > 20
    scored = [row for row in rows if row.status == "ok"]
    assert all(abs(sum(e["points"] for e in row.contributions) - row.score) < 1e-9 for row in scored)
    bitcoin = next(row for row in scored if row.asset.symbol == "BTC")
    assert bitcoin.percentile < 50
    assert recomputation.recompute(bitcoin) == []
