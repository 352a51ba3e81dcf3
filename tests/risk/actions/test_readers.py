"""Whatever changes what readers see of risk counts a change of the market, in the same transaction."""

from datetime import timedelta

import pytest

from markets.board import SHELF
from markets.models import Market
from risk.actions import backtests, forecast_outcomes, risk_fits, score_runs
from risk.models import ForecastOutcome, ScoreRun
from tests.risk.factories import DAY, NIGHT, DayOutcomeFactory, RiskModelFactory, RiskScoreFactory, ScoreRunFactory

pytestmark = pytest.mark.django_db


def version() -> int:
    return Market.objects.values_list("data_version", flat=True).first() or 0


def test_the_end_of_a_run_renews_the_board() -> None:
    run = ScoreRunFactory.create(model__is_headline=True, state=ScoreRun.State.RUNNING)
    score = RiskScoreFactory.create(run=run)
    before = SHELF.board(version())
    assert before is not None
    assert before.named(score.asset.slug)[0].risk_score is None

    score_runs.finish(run, counts={"ok": 1}, durations={}, at=NIGHT)

    after = SHELF.board(version())
    assert after is not None
    assert after.named(score.asset.slug)[0].risk_score == 42.0


def test_a_backtest_a_lesson_and_an_outcome_are_changes() -> None:
    model = RiskModelFactory.create()
    columns = {
        "coefficients": {},
        "feature_means": {},
        "mean": 0.0,
        "penalty": 0.01,
        "score_reach": {},
        "percentile_reach": {},
        "observations": 1,
        "calibrated_on": 1,
    }
    outcome = DayOutcomeFactory.build(score=RiskScoreFactory.create())
    seen = [version()]

    backtests.record(
        model, since=DAY - timedelta(days=99), until=DAY, days=1, assets=1, forecasts=1, results=[], at=NIGHT
    )
    seen.append(version())
    risk_fits.record(model, DAY, columns=columns, dates=[DAY], input_hash="0" * 64, at=NIGHT)
    seen.append(version())
    forecast_outcomes.store([outcome])
    seen.append(version())

    assert seen == [seen[0] + step for step in range(4)]
    assert ForecastOutcome.objects.count() == 1


def test_nothing_that_came_is_no_change() -> None:
    before = version()

    assert forecast_outcomes.store([]) == 0
    assert version() == before
