"""What a forecast is learnt from: past days whose next 30 days are over, and nothing later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.quant import ridge, scoring
from risk.quant.arrays import FloatArray, IntArray, LabelArray
from risk.quant.conformal import Calibration, calibrate, expected_errors
from risk.quant.ridge import Ridge
from risk.quant.tail_risk import FULL_HISTORY

STEP = 30
"""Days between two forecasts that are learnt from, so that their outcomes do not overlap."""
FEWEST_BEFORE = 6
"""Days learnt from before a forecast counts for the intervals."""
FEWEST_DATES = 12
FEWEST_ASSETS = 10
COVERAGES = (0.8, 0.9)
_SIZES = {0: "large", 1: "medium", 2: "small", -1: "unknown"}


@dataclass(frozen=True, slots=True)
class Day:
    """The ordinary assets of a past day: what was known, and the log risk of the 30 days after it, NaN if unknown."""

    inputs: FloatArray
    log_risk: FloatArray
    bucket: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model with the reach of its intervals, by coverage."""

    model: Ridge
    log_volatility: Mapping[float, Calibration]
    percentile: Mapping[float, Calibration]
    calibrated_on: int


def buckets(size: LabelArray, observations: IntArray) -> NDArray[np.str_]:
    """By which intervals are calibrated: third of the market caps, and whether the history is a full one."""
    return np.array(
        [
            f"{_SIZES[third]}_{'long' if count >= FULL_HISTORY else 'short'}"
            for third, count in zip(size.tolist(), observations.tolist(), strict=True)
        ],
        dtype="U32",
    )


def learn(
    days: Sequence[Day],
    *,
    penalty: float,
    recent_share: float,
    calibration_dates: int,
    reach_dates: int,
    reach_response: float,
) -> Learnt | None:
    """From days in their order; None of too few.

    The intervals are calibrated on the latest days, each forecast by what had been learnt from the days before it, and
    reach the farther the farther off the forecasts of the last `reach_dates` days were.
    """
    taught = [day for day in days if np.isfinite(day.log_risk).sum() >= FEWEST_ASSETS]
    if len(taught) < FEWEST_DATES:
        return None

    def learnt_from(past: Sequence[Day]) -> Ridge:
        return scoring.learn(
            [day.inputs for day in past],
            [day.log_risk for day in past],
            penalty=penalty,
            recent_share=recent_share,
        )

    forecasts, outcomes, forecast_ranks, outcome_ranks, names = [], [], [], [], []
    for place in range(max(FEWEST_BEFORE, len(taught) - calibration_dates - reach_dates), len(taught)):
        day = taught[place]
        forecast = scoring.forecast(learnt_from(taught[:place]), day.inputs)
        forecasts.append(forecast)
        outcomes.append(day.log_risk)
        forecast_ranks.append(100 * ridge.ranks(forecast[:, None])[:, 0])
        outcome_ranks.append(100 * ridge.ranks(day.log_risk[:, None])[:, 0])
        names.append(day.bucket)
    # Nothing could be expected of the errors of the very first of them.
    judged = slice(max(1, len(forecasts) - calibration_dates), len(forecasts))
    buckets_of = np.concatenate(names[judged]).tolist()

    def reach(forecast: list[FloatArray], outcome: list[FloatArray]) -> dict[float, Calibration]:
        errors = [came - said for said, came in zip(forecast, outcome, strict=True)]
        expected = expected_errors(errors, dates=reach_dates, response=reach_response)
        scaled = np.concatenate([error / scale for error, scale in zip(errors, expected[:-1], strict=True)][judged])
        return {
            coverage: calibrate(np.zeros(len(scaled)), scaled, buckets_of, coverage=coverage).scaled(
                float(expected[-1])
            )
            for coverage in COVERAGES
        }

    known = np.isfinite(np.concatenate(outcomes[judged])) & np.isfinite(np.concatenate(forecasts[judged]))
    return Learnt(
        learnt_from(taught),
        reach(forecasts, outcomes),
        reach(forecast_ranks, outcome_ranks),
        int(known.sum()),
    )
