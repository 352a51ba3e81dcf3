"""Forecasts beside what happened: the next day's return, and the risk of the next 30 days."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import Exists, OuterRef

from config.kernel import clock
from risk import frames
from risk.actions import forecast_outcomes
from risk.models import ForecastOutcome, RiskScore
from risk.models.forecast_outcome import ForecastOutcome as Outcome
from risk.quant.features import HORIZON
from risk.quant.outcomes import outcomes
from risk.quant.returns import BAD_PRINT_DAYS, bad_prints, returns
from risk.quant.score_map import ANCHORS
from risk.runs import scoring

AT_ONCE = 500
PATIENCE = timedelta(days=10)
"""How long after its horizon a forecast is asked about: bars may come late, but not for ever."""
_DAY = timedelta(days=1)
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
    looked at, else those whose horizon ended within the last days.
    """
    judged = through - _JUDGED_AFTER
    days = _record_days(since or judged - PATIENCE - _DAY, judged)
    on_progress(50)
    months = _record_months(since or judged - PATIENCE - HORIZON * _DAY, judged)
    return {"day": days, "month": months}


def _open(horizon: str, first: date, last: date) -> dict[date, list[RiskScore]]:
    """Forecasts of these days without an outcome yet, by day."""
    done = ForecastOutcome.objects.filter(score_id=OuterRef("pk"), horizon=horizon)
    rows = (
        RiskScore.objects.filter(as_of__gte=first, as_of__lte=last, status=RiskScore.Status.OK)
        .filter(~Exists(done))
        .order_by("as_of", "asset_id", "id")
        .defer("measurements", "contributions", "delta_by_component")
    )
    found: dict[date, list[RiskScore]] = defaultdict(list)
    for row in rows.iterator(chunk_size=2_000):
        found[row.as_of].append(row)
    return found


def _record_days(first: date, through: date) -> int:
    stored = 0
    for day, rows in _open(Outcome.Horizon.DAY, first, through - _DAY).items():
        for part in _parts(rows):
            prices = _believed([row.asset_id for row in part], day + _DAY)
            moves = returns(prices[:, -2:]).values[:, -1]
            at = clock.now()
            stored += forecast_outcomes.store(
                [
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
            )
    return stored


def _record_months(first: date, through: date) -> int:
    stored = 0
    for day, rows in _open(Outcome.Horizon.MONTH, first, through - HORIZON * _DAY).items():
        for part in _parts(rows):
            prices = _believed([row.asset_id for row in part], day + HORIZON * _DAY)
            came = outcomes(prices[:, -HORIZON - 1 :])
            realised = ANCHORS.score(came.log_risk)
            at = clock.now()
            stored += forecast_outcomes.store(
                [
                    ForecastOutcome(
                        score=row,
                        horizon=Outcome.Horizon.MONTH,
                        level=coverage / 100,
                        realised_volatility=float(came.volatility[place]),
                        realised_score=float(realised[place]),
                        is_inside=bool(
                            getattr(row, f"score_low_{coverage}")
                            <= realised[place]
                            <= getattr(row, f"score_high_{coverage}")
                        ),
                        recorded_at=at,
                    )
                    for place, row in enumerate(part)
                    if np.isfinite(realised[place])
                    for coverage in (80, 90)
                ]
            )
    return stored


def _parts(rows: Sequence[RiskScore]) -> list[Sequence[RiskScore]]:
    return [rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE)]


def _believed(asset_ids: Sequence[int], through: date) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Closes through a day without bad prints, as far back and on as is needed to tell them."""
    prices = frames.panel(asset_ids, through=through + _JUDGED_AFTER, since=through - 364 * _DAY).prices
    believed = np.where(bad_prints(prices) | ~(prices > 0), np.nan, prices)
    return believed[:, :-BAD_PRINT_DAYS]
