"""What is asked of tables that hold years of rows goes through an index that was made for it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from risk.models import ForecastOutcome, RiskScore, ScoreRun
from risk.parameters import Parameters
from risk.queries import calibration, scores
from risk.queries.scores import Ranking, Span
from risk.runs import realised, scorecards
from tests.risk.factories import DAY, NIGHT, DayOutcomeFactory, RiskScoreFactory, ScoreRunFactory

ASSETS, ROWS = 50, 5_000

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def score() -> RiskScore:
    outcome = DayOutcomeFactory.create()
    return RiskScore.objects.select_related("model", "run").get(pk=outcome.score_id)


def repeat(kind: type[Model], **changed: str) -> None:
    """Its single row as many times as `ROWS`, the n-th with these columns changed."""
    columns = [str(field.column) for field in kind._meta.concrete_fields]
    values = ", ".join(changed.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {kind._meta.db_table} ({', '.join(columns)})"  # noqa: S608  # names of our own
            f" SELECT {values} FROM {kind._meta.db_table}, generate_series(1, {ROWS - 1}) n"
        )
        cursor.execute(f"ANALYZE {kind._meta.db_table}")


@pytest.fixture
def years(score: RiskScore) -> RiskScore:
    """A score among those of years: in tables of a few rows every index is as good as another."""
    repeat(ScoreRun, id="id + n", as_of="as_of - n")
    repeat(
        RiskScore,
        id="id + n",
        asset_id=f"asset_id + n % {ASSETS}",
        run_id=f"run_id + n / {ASSETS}",
        as_of=f"as_of - n / {ASSETS}",
    )
    repeat(ForecastOutcome, id="id + n", score_id="score_id + n")
    return score


def plans(ask: Callable[[], object]) -> list[str]:
    """How the database would answer each question if the tables were too large to be read through."""
    with CaptureQueriesContext(connection) as seen:
        ask()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        found = []
        for question in seen.captured_queries:
            text = question["sql"]
            cursor.execute(f"EXPLAIN {text[text.index('SELECT') :]}")
            found.append("\n".join(line for (line,) in cursor.fetchall()))
    return found


def past(score: RiskScore, *others: RiskScore) -> tuple[dict[int, scorecards.Before], set[int]]:
    run = ScoreRun(model=score.model, as_of=DAY + timedelta(days=1), started_at=NIGHT + timedelta(days=1))
    return scorecards._past(run, [score.asset_id for score in (score, *others)], Parameters())


def test_the_score_before_is_one_step_into_an_index(years: RiskScore) -> None:
    newest, rows, pumped = plans(lambda: past(years))

    assert "risk_score_last_scored" in newest
    assert "risk_riskscore_pkey" in rows
    assert "risk_score_pumped" in pumped


def test_the_scores_before_of_twelve_assets_cost_no_more_questions_than_that_of_one(score: RiskScore) -> None:
    others = [RiskScoreFactory.create(run=score.run) for _ in range(11)]

    def questions(*asked: RiskScore) -> int:
        with CaptureQueriesContext(connection) as seen:
            found, _ = past(*asked)
        assert found.keys() == {score.asset_id for score in asked}
        return len(seen)

    assert questions(score, *others) == questions(score)


def test_forecasts_without_an_outcome_are_found_by_their_run(years: RiskScore) -> None:
    (plan,) = plans(lambda: realised._open(ForecastOutcome.Horizon.DAY, years.run))

    assert "risk_score_once_per_run" in plan
    assert "forecast_outcome_once" in plan


def test_runs_with_forecasts_that_may_be_open_are_found_by_the_counts_of_their_day(years: RiskScore) -> None:
    (plan,) = plans(lambda: realised._open_runs(ForecastOutcome.Horizon.DAY, DAY, None))

    assert plan.count("calibration_day_once") >= 2
    assert "Seq Scan on risk_calibrationday" not in plan
    assert "risk_riskscore" not in plan
    assert "risk_forecastoutcome" not in plan


@pytest.mark.parametrize(
    "ranking", [Ranking(limit=50), Ranking(limit=50, band="high", min_score=1.0), Ranking(limit=50, sort_by="delta")]
)
def test_a_ranking_reads_its_own_run_alone(years: RiskScore, ranking: Ranking) -> None:
    assert all("risk_score_once_per_run" in plan for plan in plans(lambda: scores.page(years.run, ranking)))


def test_a_history_is_read_in_its_order(years: RiskScore) -> None:
    (plan,) = plans(lambda: scores.history(years.asset_id, years.model, Span(100)))

    assert "risk_score_of_asset" in plan
    assert "Sort" not in plan


def test_calibration_reads_counts_and_not_outcomes(years: RiskScore) -> None:
    (plan,) = plans(lambda: calibration.table())

    assert "risk_calibrationday" in plan
    assert "risk_forecastoutcome" not in plan
    assert "risk_riskscore" not in plan


def test_twelve_days_of_a_history_cost_no_more_questions_than_one(score: RiskScore) -> None:
    def questions(days: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert len(scores.history(score.asset_id, score.model, Span(100)).scores) == days
        return len(seen)

    few = questions(1)
    for days in range(1, 12):
        run = ScoreRunFactory.create(model=score.model, as_of=DAY - timedelta(days=days))
        RiskScoreFactory.create(asset=score.asset, run=run)
    assert questions(12) == few
