from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from importlib import import_module
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from config import invariants, pipelines
from markets import frames
from risk.actions import forecast_outcomes, risk_models
from risk.models import CalibrationDay, ForecastOutcome, RiskScore
from risk.queries import calibration
from risk.runs import course, outcomes, realised
from tests.markets.factories import store_daily_bars
from tests.risk.factories import (
    DayOutcomeFactory,
    MonthOutcomeFactory,
    RiskModelFactory,
    RiskScoreFactory,
    ScoreRunFactory,
)
from tests.risk.markets import LAST, NOON, coin, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

MONTH_AGO = LAST - timedelta(days=32)
"""Its month is over, and so are the two days in which a bad print shows."""


@pytest.fixture
def scored() -> None:
    """Everybody, a month ago."""
    simulated(days=510)
    course.score(risk_models.register(at=NOON), MONTH_AGO)


def closes(asset_id: int, days: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """From the day of the forecast on."""
    end = MONTH_AGO + timedelta(days=days + 1)
    return np.asarray(frames.price_frame([asset_id], start=MONTH_AGO, end=end).values[0])


def test_next_day_is_compared_with_what_was_forecast(scored):
    realised.record(through=LAST, since=MONTH_AGO)

    rows: list[Any] = list(ForecastOutcome.objects.filter(horizon="day").select_related("score"))
    assert len(rows) == 3 * RiskScore.objects.count()
    for row in rows:
        today, tomorrow = closes(row.score.asset_id, 1)
        assert row.realised_return == pytest.approx(np.log(tomorrow / today), abs=1e-12)
        assert row.is_exceeded == (-row.realised_return > row.value_at_risk)
        assert row.level in (0.95, 0.975, 0.99)


def test_next_month_is_compared_with_the_intervals(scored):
    realised.record(through=LAST, since=MONTH_AGO)

    rows: list[Any] = list(ForecastOutcome.objects.filter(horizon="month").select_related("score"))
    assert len(rows) == 2 * RiskScore.objects.count()
    for row in rows:
        moves = np.diff(np.log(closes(row.score.asset_id, 30)))
        assert row.realised_volatility == pytest.approx(np.sqrt((moves**2).mean() * 365), rel=1e-9)
        low, high = (getattr(row.score, f"score_{end}_{round(100 * row.level)}") for end in ("low", "high"))
        assert row.is_inside == (low <= row.realised_score <= high)


def test_what_is_not_over_is_not_judged(scored):
    assert realised.record(through=MONTH_AGO + timedelta(days=2), since=MONTH_AGO) == {"day": 0, "month": 0}
    assert realised.record(through=LAST - timedelta(days=1), since=MONTH_AGO)["month"] == 0


@pytest.fixture
def torn() -> Callable[[int], Any]:
    """What comes of a forecast of a coin, night by night, when its price of so many days later is a bad print."""

    def torn(day: int) -> Any:
        simulated(days=510)
        closes = walk(400, seed=1)
        closes[-33 + day] /= 50
        asset = coin("torn", closes)
        course.score(risk_models.register(at=NOON), MONTH_AGO)
        for night in range(1, 33):
            realised.record(through=MONTH_AGO + timedelta(days=night), since=MONTH_AGO)
        return ForecastOutcome.objects.filter(score__asset=asset)

    return torn


def test_bad_print_of_the_next_day_is_no_loss(torn):
    outcomes = torn(1)

    assert not outcomes.filter(horizon="day").exists()
    assert outcomes.filter(horizon="month").count() == 2


def test_bad_print_at_the_end_of_the_month_is_no_risk(torn):
    month = torn(30).filter(horizon="month").first()

    moves = np.diff(np.log(walk(400, seed=1)[-33:-3]))
    assert month.realised_volatility == pytest.approx(np.sqrt((moves**2).mean() * 365), rel=1e-9)


@pytest.fixture
def three() -> list[RiskScore]:
    """A coin's scores of three days in a row, long ago; nobody has asked yet what came of them."""
    asset = coin("subject", walk(200, seed=1))
    model = RiskModelFactory.create()
    return [
        RiskScoreFactory.create(asset=asset, run=ScoreRunFactory.create(model=model, as_of=LAST - timedelta(days=days)))
        for days in (102, 101, 100)
    ]


def night() -> None:
    realised.record(through=LAST)


def days_recorded() -> list[date]:
    rows = ForecastOutcome.objects.filter(horizon="day").order_by("score__as_of", "score__asset")
    return list(rows.values_list("score__as_of", flat=True))


def test_after_a_long_outage_everything_that_is_open_is_recorded(three):
    night()

    assert days_recorded() == [score.as_of for score in three]
    assert ForecastOutcome.objects.filter(horizon="month").count() == 2 * 3


def test_a_later_day_that_was_recorded_first_hides_no_earlier_one(three):
    realised.record(through=LAST, since=three[2].as_of)

    night()

    assert days_recorded() == [score.as_of for score in three]


@pytest.mark.parametrize(("days", "is_recorded"), [(10, True), (11, False)])
def test_late_bars_are_waited_for_until_outcomes_of_ten_days_later_are_there(three, days, is_recorded):
    first = three[0]
    late = coin("late", walk(20, seed=2), until=first.as_of)
    RiskScoreFactory.create(asset=late, run=first.run)
    newest = ScoreRunFactory.create(model=first.model, as_of=first.as_of + timedelta(days=days))
    RiskScoreFactory.create(asset=first.asset, run=newest)
    night()

    store_daily_bars(late, first.as_of + timedelta(days=1), [5.0, 5.1, 5.2])
    night()

    assert days_recorded().count(first.as_of) == (2 if is_recorded else 1)


def test_a_day_of_which_nothing_is_recorded_is_asked_about_for_a_year(three):
    asset = coin("old", walk(300, seed=3), until=LAST - timedelta(days=300))
    # Judged are prices that are two days old.
    days = [LAST - timedelta(days=2 + 365 + more) for more in (1, 0)]
    for day in days:
        RiskScoreFactory.create(asset=asset, run=ScoreRunFactory.create(model=three[0].model, as_of=day))

    night()

    assert days_recorded() == [days[1], *(score.as_of for score in three)]


def test_outcomes_are_recorded_once(scored):
    first = realised.record(through=LAST, since=MONTH_AGO)
    again = realised.record(through=LAST, since=MONTH_AGO)

    assert first["day"] > 0 < first["month"]
    assert again == {"day": 0, "month": 0}


def test_job_records_what_has_become_known(scored):
    job = outcomes.request(None, at=NOON)

    pipelines.perform_job(job_id=str(job.pk))

    job.refresh_from_db()
    assert job.state == "succeeded"
    assert job.result is not None
    assert job.result["month"] == ForecastOutcome.objects.filter(horizon="month").count() > 0


def test_outcomes_stay_as_they_were_stored(scored):
    realised.record(through=LAST, since=MONTH_AGO)

    with pytest.raises(DatabaseError), transaction.atomic():
        ForecastOutcome.objects.update(is_exceeded=False)


def test_calibration_counts_what_was_recorded(scored):
    realised.record(through=LAST, since=MONTH_AGO)
    rows: list[Any] = list(ForecastOutcome.objects.filter(horizon="day", level=0.95, score__is_stablecoin=False))

    tails = [row for row in calibration.table(horizon="day") if row.level == 0.95]
    whole = next(row for row in tails if row.bucket is None)

    beyond = [row for row in rows if row.is_exceeded]
    assert (whole.size, whole.hits) == (len(rows), len(beyond))
    assert whole.expected == pytest.approx(0.05)
    expected = sum(-row.realised_return / row.expected_shortfall for row in beyond) / (len(rows) * 0.05) - 1
    assert whole.shortfall_statistic == pytest.approx(expected)
    buckets = [row for row in tails if row.bucket not in (None, "pegged")]
    assert sum(row.size for row in buckets) == len(rows)
    assert len(buckets) >= 3

    intervals = [row for row in calibration.table(horizon="month") if row.bucket is None]
    assert [row.level for row in intervals] == [0.8, 0.9]
    for row in intervals:
        inside = ForecastOutcome.objects.filter(
            horizon="month", level=row.level, is_inside=True, score__is_stablecoin=False
        ).count()
        assert (row.hits, row.found.rate) == (inside, inside / row.size)
        assert row.mean_width is not None
        assert row.mean_width > 0
    assert calibration.table(model_id=0) == []


def test_pegged_assets_are_counted_apart_and_not_with_the_others():
    run = ScoreRunFactory.create()
    pegged, ordinary = (RiskScoreFactory.create(run=run, is_stablecoin=is_pegged) for is_pegged in (True, False))
    MonthOutcomeFactory.create(score=pegged, is_inside=False)
    MonthOutcomeFactory.create(score=ordinary)

    found = {row.bucket: (row.hits, row.size) for row in calibration.table()}

    assert found == {None: (1, 1), "large, long": (1, 1), "pegged": (0, 1)}
    assert invariants.outcomes_are_counted() == []


def test_counts_of_before_are_made_anew_with_the_pegged_apart():
    MonthOutcomeFactory.create(score__is_stablecoin=True)
    CalibrationDay.objects.update(bucket="large, long")
    (anew,) = import_module("risk.migrations.0008_pegged_are_counted_apart").Migration.operations

    with connection.cursor() as cursor:
        for statement in anew.sql[1:]:  # the owner alone may lock the tables
            cursor.execute(statement)

    assert [day.bucket for day in CalibrationDay.objects.all()] == ["pegged"]
    assert invariants.outcomes_are_counted() == []


def test_outcomes_recorded_twice_are_counted_once(scored):
    realised.record(through=LAST, since=MONTH_AGO)
    rows = list(ForecastOutcome.objects.all())
    before = list(CalibrationDay.objects.values())

    assert forecast_outcomes.store(rows) == 0

    assert list(CalibrationDay.objects.values()) == before
    assert sum(row["size"] for row in before) == len(rows)


def test_outcomes_that_come_late_are_added_to_those_of_their_day(scored):
    first, *others = RiskScore.objects.filter(is_stablecoin=False).order_by("pk")
    for score in (first, *others):
        DayOutcomeFactory.create(score=score, is_exceeded=score == first, realised_return=-0.1)

    (whole,) = (row for row in calibration.table() if row.bucket is None)

    assert (whole.size, whole.hits) == (1 + len(others), 1)
    assert whole.shortfall_statistic == pytest.approx(0.1 / 0.066 / (whole.size * 0.025) - 1)


def test_invariants_say_where_outcomes_and_counts_differ(scored):
    realised.record(through=LAST, since=MONTH_AGO)
    assert invariants.outcomes_are_counted() == []

    CalibrationDay.objects.filter(horizon="month").delete()
    (missing, *_) = invariants.outcomes_are_counted()
    CalibrationDay.objects.update(hits=F("size"))

    assert missing.startswith(f"of the scores of {MONTH_AGO}, horizon month, ")
    assert missing.endswith(" outcomes are recorded and 0 counted")
    assert any("horizon day" in wrong for wrong in invariants.outcomes_are_counted())


def test_of_those_who_record_at_once_each_counts_what_it_added(committed_db):
    scores = [RiskScoreFactory.create() for _ in range(3)]
    rows = [DayOutcomeFactory.build(score=score) for score in scores]
    barrier = Barrier(4, timeout=30)

    def record(_: int) -> int:
        try:
            barrier.wait()
            return forecast_outcomes.store(rows)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(record, range(4))) == [0, 0, 0, 3]
    assert ForecastOutcome.objects.count() == 3
    assert invariants.outcomes_are_counted() == []
