"""Forecasts beside what happened: the next day's return, and the risk of the next 30 days."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import Exists, OuterRef, Q, Subquery

from config.kernel import clock
from risk import frames
from risk.actions import forecast_outcomes
from risk.models import CalibrationDay, ForecastOutcome, RiskScore, ScoreRun
from risk.models.forecast_outcome import ForecastOutcome as Outcome
from risk.quant.features import HORIZON
from risk.quant.outcomes import outcomes
from risk.quant.returns import BAD_PRINT_DAYS, believed, returns
from risk.quant.score_map import ANCHORS
from risk.runs import scoring

AT_ONCE = 500
PATIENCE = timedelta(days=10)
"""By how much younger forecasts that have an outcome are, when an older one without is past hope: bars come late."""
HOPE = timedelta(days=365)
"""Behind which nothing is looked for by itself; `backfill_scores` does, for the days that it is given."""
_DAY = timedelta(days=1)
_LENGTH: Mapping[str, timedelta] = {Outcome.Horizon.DAY: _DAY, Outcome.Horizon.MONTH: HORIZON * _DAY}
_JUDGED_AFTER = BAD_PRINT_DAYS * _DAY
"""What comes of a forecast is written down once: not before its last price can be told from a bad print."""


def known_through(at: datetime) -> date:
    """The last day whose close can be known."""
    return scoring.last_close(at)


def record(
    *, through: date, since: date | None = None, on_progress: Callable[[int], None] = lambda percent: None
) -> dict[str, int]:
    """Write down what has become known by the close of `through`; how many rows of each horizon.

    A price is known when two more closes have not contradicted it. With `since` the forecasts from that day on are
    looked at, else all that are open and not past hope.
    """
    judged = through - _JUDGED_AFTER
    asked = [(horizon, run) for horizon in _LENGTH for run in _open_runs(horizon, judged, since)]
    stored = {str(horizon): 0 for horizon in _LENGTH}
    for place, (horizon, run) in enumerate(asked):
        for part in _parts(_open(horizon, run)):
            rows = _days(run.as_of, part) if horizon == Outcome.Horizon.DAY else _months(run.as_of, part)
            stored[horizon] += forecast_outcomes.store(rows)
        on_progress(95 * (place + 1) // len(asked))
    return stored


def _open_runs(horizon: str, judged: date, since: date | None) -> Sequence[ScoreRun]:
    """Runs whose horizon was over by a day and of whose forecasts some may be open and not past hope, oldest first.

    Past hope are those of a run of which other outcomes are recorded, once outcomes of scores `PATIENCE` later are,
    too: prices have gone on without theirs. A run of which nothing is recorded, however long nobody asked, is hoped
    for as long as `HOPE`.
    """
    runs = ScoreRun.objects.finished().filter(as_of__lte=judged - _LENGTH[horizon], counts__ok__gt=0)
    if since is not None:
        runs = runs.filter(as_of__gte=since)
    else:
        recorded = CalibrationDay.objects.filter(model_id=OuterRef("model_id"), horizon=horizon)
        newest = recorded.order_by("-as_of").values("as_of")[:1]
        runs = runs.filter(
            Exists(recorded.filter(as_of=OuterRef("as_of"))) & Q(as_of__gte=Subquery(newest) - PATIENCE)
            | ~Exists(recorded.filter(as_of=OuterRef("as_of"))),
            as_of__gte=judged - HOPE,
        )
    return list(runs.order_by("as_of", "pk").only("as_of"))


def _open(horizon: str, run: ScoreRun) -> list[RiskScore]:
    """Forecasts of a run without an outcome yet."""
    done = ForecastOutcome.objects.filter(score_id=OuterRef("pk"), horizon=horizon)
    rows = RiskScore.objects.filter(run=run, status=RiskScore.Status.OK).filter(~Exists(done))
    return list(rows.order_by("asset_id").defer("measurements", "contributions", "delta_by_component"))


def _days(day: date, part: Sequence[RiskScore]) -> list[ForecastOutcome]:
    prices = _believed([row.asset_id for row in part], day + _DAY)
    moves = returns(prices[:, -2:]).values[:, -1]
    at = clock.now()
    return [
        ForecastOutcome(
            score=row,
            horizon=Outcome.Horizon.DAY,
            level=tail["level"],
            value_at_risk=tail["value_at_risk"],
            expected_shortfall=tail["expected_shortfall"],
            realised_return=float(move),
            is_exceeded=bool(-move > tail["value_at_risk"]),
            recorded_at=at,
        )
        for row, move in zip(part, moves.tolist(), strict=True)
        if np.isfinite(move)
        for tail in row.tail
    ]


def _months(day: date, part: Sequence[RiskScore]) -> list[ForecastOutcome]:
    prices = _believed([row.asset_id for row in part], day + HORIZON * _DAY)
    came = outcomes(prices[:, -HORIZON - 1 :])
    realised = ANCHORS.score(came.log_risk)
    at = clock.now()
    return [
        ForecastOutcome(
            score=row,
            horizon=Outcome.Horizon.MONTH,
            level=coverage / 100,
            realised_volatility=float(came.volatility[place]),
            realised_score=float(realised[place]),
            is_inside=bool(
                getattr(row, f"score_low_{coverage}") <= realised[place] <= getattr(row, f"score_high_{coverage}")
            ),
            recorded_at=at,
        )
        for place, row in enumerate(part)
        if np.isfinite(realised[place])
        for coverage in (80, 90)
    ]


def _parts(rows: Sequence[RiskScore]) -> list[Sequence[RiskScore]]:
    return [rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE)]


def _believed(asset_ids: Sequence[int], through: date) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Closes through a day without bad prints, as far back and on as is needed to tell them."""
    prices = frames.panel(asset_ids, through=through + _JUDGED_AFTER, since=through - 364 * _DAY).prices
    return believed(prices)[:, :-BAD_PRINT_DAYS]
