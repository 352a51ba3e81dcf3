"""A simulated market that is replaced by a real one: nothing that was made of invented prices tells of real assets."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from config import invariants
from config.kernel import clock
from markets.actions import market
from risk import tasks
from risk.actions import risk_models
from risk.errors import NoBacktest
from risk.models import CalibrationDay, RiskFit, RiskModel, RiskScore, ScoreRun
from risk.queries import calibration, models
from risk.runs import backtesting, course, realised
from tests.risk.markets import LAST, NOON, coin, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

DAY = LAST - timedelta(days=5)
REPLACED = "The market that it was of has been replaced."


@pytest.fixture
def model() -> RiskModel:
    """With all that it can have of a simulated market."""
    simulated()
    model = risk_models.register(at=NOON)
    course.score(model, DAY)
    realised.record(through=LAST)
    backtesting.perform(model, until=LAST, since=LAST - timedelta(days=70), at=clock.now())
    return model


def replace() -> None:
    market.clear(at=clock.now())
    for number in range(12):
        coin(f"coin-{number}", walk(500, seed=number))


def test_its_days_are_scored_anew(model: RiskModel) -> None:
    replace()

    run = course.score(model, DAY)

    former = ScoreRun.objects.get(attempt=1)
    assert (former.state, former.error) == (ScoreRun.State.FAILED, REPLACED)
    assert (run.attempt, run.counts) == (2, {"ok": 12})
    assert AuditEntry.objects.about(former).verbs() == ["risk.run.begun", "risk.run.finished", "risk.run.failed"]


def test_a_model_learns_anew(model: RiskModel) -> None:
    (invented,) = RiskFit.objects.all()
    replace()

    run = course.score(model, DAY)

    assert run.fit is not None
    assert (run.fit.as_of, run.fit.pk > invented.pk) == (invented.as_of, True)


def test_its_runs_are_given_up_within_a_minute(model: RiskModel) -> None:
    assert tasks.look_after_runs() == {"former": 0, "lost": 0}
    replace()

    assert [tasks.look_after_runs(), tasks.look_after_runs()] == [{"former": 1, "lost": 0}, {"former": 0, "lost": 0}]
    assert models.scored_as_of(model) is None


def test_a_run_of_it_that_still_runs_is_given_up(model: RiskModel) -> None:
    ScoreRun.objects.update(state=ScoreRun.State.RUNNING, finished_at=None)
    replace()

    tasks.look_after_runs()

    assert ScoreRun.objects.values_list("state", "error").get() == (ScoreRun.State.FAILED, REPLACED)


def test_what_came_of_its_forecasts_is_told_no_more(model: RiskModel) -> None:
    assert CalibrationDay.objects.exists()
    replace()

    tasks.look_after_runs()

    assert calibration.table() == []
    assert invariants.outcomes_are_counted() == []


def test_what_was_learnt_and_backtested_on_it_is_told_no_more(model: RiskModel) -> None:
    assert models.newest_fit(model) is not None
    assert models.newest_backtest(model).days == 71
    replace()

    assert models.newest_fit(model) is None
    with pytest.raises(NoBacktest):
        models.newest_backtest(model)


def test_rows_of_it_stay_on_record(model: RiskModel) -> None:
    before = RiskScore.objects.count()
    replace()

    course.score(model, DAY)

    assert RiskScore.objects.count() == before + 12
