"""The verdicts behind the market's port."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from markets.board import Board
from markets.queries import listing
from markets.queries.listing import Listing
from markets.risk_port import COLUMNS
from risk.freshness import NEVER, fresh_until
from risk.models import ScoreRun
from risk.queries.verdicts import RELATION
from tests.markets.factories import NOON, AssetFactory
from tests.risk.factories import DAY, RiskScoreFactory, ScoreRunFactory, unscored

pytestmark = pytest.mark.django_db


def verdicts() -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {RELATION} verdict ORDER BY asset_id")  # noqa: S608  # literal columns
        return [dict(zip(COLUMNS, record, strict=True)) for record in cursor.fetchall()]


def test_one_verdict_an_asset_of_the_last_finished_run_of_the_model_in_charge() -> None:
    run = ScoreRunFactory.create(model__is_headline=True)
    score = RiskScoreFactory.create(run=run)
    without = unscored(run=run)
    asset = score.asset
    RiskScoreFactory.create(asset=asset, run=ScoreRunFactory.create(model=run.model, as_of=DAY - timedelta(days=1)))
    RiskScoreFactory.create(asset=asset, run=ScoreRunFactory.create(as_of=DAY + timedelta(days=1)))
    for state in (ScoreRun.State.FAILED, ScoreRun.State.RUNNING):
        newer = ScoreRunFactory.create(model=run.model, as_of=DAY + timedelta(days=1), state=state, attempt=len(state))
        RiskScoreFactory.create(asset=asset, run=newer)

    until = datetime(2026, 3, 14, tzinfo=UTC)
    assert verdicts() == [
        {
            "asset_id": asset.pk,
            "score": 42.0,
            "percentile": 11.5,
            "band": "moderate",
            "as_of": DAY,
            "status": "ok",
            "fresh_until": until,
        },
        {
            "asset_id": without.asset_id,
            "score": None,
            "percentile": None,
            "band": "",
            "as_of": DAY,
            "status": "insufficient_history",
            "fresh_until": until,
        },
    ]
    assert fresh_until(DAY, DAY) == until


@pytest.mark.parametrize(
    "data_to", [DAY - timedelta(days=2), DAY - timedelta(days=1), DAY, DAY + timedelta(days=1), None]
)
def test_the_database_knows_the_same_rule_of_freshness(data_to: date | None) -> None:
    RiskScoreFactory.create(run=ScoreRunFactory.create(model__is_headline=True), data_to=data_to)

    (verdict,) = verdicts()

    assert (verdict["fresh_until"] or NEVER) == fresh_until(DAY, data_to)


def test_a_verdict_on_prices_of_before_is_stale_on_the_listing() -> None:
    ended = DAY - timedelta(days=2)
    RiskScoreFactory.create(run=ScoreRunFactory.create(model__is_headline=True), data_to=ended)

    (row,) = listing.page(Listing(limit=1), at=NOON).rows

    assert json.loads(row)["risk"]["stale"] is True


def test_the_roof_connects_them_to_the_listing() -> None:
    asset = AssetFactory.create()
    RiskScoreFactory.create(asset=asset, run=ScoreRunFactory.create(model__is_headline=True))

    page = listing.page(Listing(limit=1, sort_by="risk"), at=NOON)

    assert (
        b'"risk":{"score":42.0,"percentile":11.5,"band":"moderate","as_of":"2026-03-11","status":"ok"' in page.rows[0]
    )
    assert page == Board.load(version=1).page(Listing(limit=1, sort_by="risk"), at=NOON)
