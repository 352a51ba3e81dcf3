from datetime import date, timedelta
from itertools import pairwise

import pytest

from config import pipelines
from risk.actions import risk_models
from risk.models import RiskFit
from risk.runs import fitting, learning
from tests.markets.factories import store_daily_bars
from tests.risk.markets import LAST, NOON, coin, simulated, walk

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
        (date(2026, 3, 31), date(2026, 3, 31)),
        (date(2026, 3, 1), date(2026, 2, 28)),
    ],
)
def test_models_are_learnt_by_the_end_of_a_month(day, end):
    assert learning.month_end(day) == end
