from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from config import pipelines
from config.kernel import clock
from markets.runs import simulation
from risk import frames, tasks
from risk.actions import risk_models
from risk.models import RiskFit, ScoreRun
from risk.parameters import Parameters
from risk.runs import fitting, learning
from tests.markets.factories import store_daily_bars
from tests.risk.markets import LAST, NOON, coin, perform_all, simulated, walk

LEARNT = ("coefficients", "feature_means", "mean", "score_reach", "percentile_reach", "garch_prior")
pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def performed(as_of: date):
    job = fitting.request(None, fitting.Parameters(as_of=as_of.isoformat()), at=NOON)
    pipelines.perform_job(job_id=str(job.pk))
    job.refresh_from_db()
    return job


def test_what_is_learnt_ends_thirty_days_before():
    simulated()
    job = performed(LAST)

    fit = RiskFit.objects.get()
    assert job.result == {"as_of": LAST.isoformat(), "fits": {fit.model.version: fit.pk}, "skipped": {}}
    days = [date.fromisoformat(day) for day in fit.dates]
    assert days[-1] == LAST - timedelta(days=30)
    assert {(later - day).days for day, later in pairwise(days)} == {30}
    assert days[0] >= LAST - timedelta(days=479 - 60)


def test_learnt_again_from_the_same_it_is_the_same_row():
    simulated()

    assert performed(LAST).result == performed(LAST).result
    assert RiskFit.objects.count() == 1


def test_what_is_learnt_does_not_depend_on_who_is_read_together(monkeypatch: pytest.MonkeyPatch):
    simulated()
    coin("young", walk(200, seed=1))
    coin("older", walk(600, seed=2))
    at_once: Any = learning.fit_on(risk_models.register(at=NOON), LAST, at=NOON)

    monkeypatch.setattr(frames, "TOGETHER", 7)
    another = risk_models.register(at=NOON, parameters=Parameters(hold_days=29))
    in_parts: Any = learning.fit_on(another, LAST, at=NOON)

    assert in_parts.observations == at_once.observations
    for name, value in at_once.coefficients.items():
        assert in_parts.coefficients[name] == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert in_parts.score_reach["0.9"]["pooled"] == pytest.approx(at_once.score_reach["0.9"]["pooled"], rel=1e-9)


def test_price_that_never_moves_teaches_nothing():
    simulated()
    model = risk_models.register(at=NOON)
    alone: Any = learning.fit_on(model, LAST, at=NOON)
    coin("idle", np.full(480, 5.0))

    beside: Any = learning.fit_on(model, LAST, at=NOON)

    assert beside.input_hash != alone.input_hash
    assert [getattr(beside, name) for name in LEARNT] == [getattr(alone, name) for name in LEARNT]


def test_later_prices_are_not_looked_at():
    simulated()
    asset = coin("subject", walk(400, seed=1))
    model = risk_models.register(at=NOON)
    before = learning.fit_on(model, LAST - timedelta(days=5), at=NOON)

    store_daily_bars(asset, LAST - timedelta(days=4), [1e6])

    assert learning.fit_on(model, LAST - timedelta(days=5), at=NOON) == before


def test_too_short_a_history_is_said():
    simulated(assets=5, days=100)
    job = performed(LAST)

    assert (job.state, job.error_code) == ("failed", "insufficient_history")
    assert not RiskFit.objects.exists()


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 3, 11), date(2026, 2, 28)),
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2026, 4, 1), date(2026, 3, 31)),
    ],
)
def test_models_are_learnt_by_the_end_of_a_month(day, end):
    assert learning.month_end(day) == end


def test_the_night_of_the_first_is_scored_by_the_fit_before_and_nothing_is_learnt_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt: list[date] = []
    fit_on = learning.fit_on

    def counted(model: Any, as_of: date, **how: Any) -> Any:
        learnt.append(as_of)
        return fit_on(model, as_of, **how)

    monkeypatch.setattr(learning, "fit_on", counted)
    first = datetime(2026, 4, 1, 0, 15, tzinfo=UTC)
    simulation.perform(simulation.Parameters(26, 540, 3), at=first + timedelta(days=1))
    risk_models.register(at=first)

    for at, ask in (
        (first - timedelta(days=1), tasks.score_universe),
        (first, tasks.score_universe),
        (first.replace(hour=1, minute=0), tasks.fit_models),
        (first + timedelta(days=1), tasks.score_universe),
    ):
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        ask()
        perform_all()

    february, march = date(2026, 2, 28), date(2026, 3, 31)
    assert learnt == [february, march]
    told = ScoreRun.objects.finished().order_by("as_of").values_list("as_of", "fit__as_of")
    assert list(told) == [(march - timedelta(days=1), february), (march, february), (date(2026, 4, 1), march)]


@pytest.mark.parametrize("days_known", [30, 31, 32])
def test_what_came_of_a_day_is_judged_by_what_followed_its_month_where_that_is_known(days_known: int) -> None:
    sound = walk(400, seed=1)
    torn = sound.copy()
    torn[-3] /= 50
    asset_ids = [coin(slug, closes).pk for slug, closes in (("sound", sound), ("torn", torn))]
    day = LAST - timedelta(days=32)

    histories = frames.histories(asset_ids, through=day + timedelta(days=days_known))
    volatility = learning.realised(histories, day).volatility

    moves = np.diff(np.log(sound[-33:-2]))
    assert volatility[0] == pytest.approx(np.sqrt((moves**2).mean() * 365), rel=1e-9)
    if days_known == 30:
        assert volatility[1] > 10
    else:
        believed = np.diff(np.log(sound[-33:-3]))
        assert volatility[1] == pytest.approx(np.sqrt((believed**2).mean() * 365), rel=1e-9)
