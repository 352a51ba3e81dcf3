"""Exponentially weighted variance."""

from dataclasses import dataclass, replace

import numpy as np

from risk.quant.arrays import FloatArray, IntArray, LabelArray
from risk.quant.engine import Engine, installed
from risk.quant.returns import Sequences
from risk.quant.status import Status, is_ok, statuses

RECENT, LASTING = 0.94, 0.98
"""The decays of what has just happened and of what lasts."""
FAST, SLOW = 0.8, 0.97
"""Of the variance that tails are made of: shocks pass within days, levels within months."""
FALLS = 1.5
"""Weight of the squares of falls in it; those of rises weigh 2 - `FALLS`. The three were chosen on the tuning part of
docs/risk/protocol.md, where the neighbours were hardly worse: docs/risk/validation.md."""
BACKCAST_OBSERVATIONS = 75
BACKCAST_DECAY = 0.94
FEWEST = 10


@dataclass(frozen=True, slots=True)
class Ewma:
    """`variances[:, t]` is the forecast made for the return in that place; `next_variance` the one for tomorrow."""

    variances: FloatArray
    next_variance: FloatArray
    status: LabelArray


def ewma(sequences: Sequences, *, decay: float = RECENT, engine: Engine | None = None) -> Ewma:
    """s_{t+1} = decay s_t + (1 - decay) r_t^2 around zero; RiskMetrics Technical Document (1996), 5.2.

    Starts from the backcast, so the first `BACKCAST_OBSERVATIONS` forecasts are not out of sample. The weights count
    observations: a gap neither adds nor forgets.
    """
    status = statuses(
        (Status.TOO_FEW_OBSERVATIONS, sequences.size < FEWEST),
        (Status.CONSTANT, ~np.any(sequences.values != 0, axis=1)),
        size=len(sequences.size),
    )
    start = sequences.values.shape[1] - sequences.size
    following = backcast(sequences)
    if (engine or installed()) is Engine.NUMBA:
        from risk.quant.compiled import recursions

        variances = np.empty_like(sequences.values)
        recursions.ewma(sequences.values, start, decay, variances, following)
    else:
        variances, following = _by_days(sequences.values, start, decay, following)
    good = is_ok(status)
    return Ewma(np.where(good[:, None], variances, np.nan), np.where(good, following, np.nan), status)


def asymmetric_ewma(sequences: Sequences, *, engine: Engine | None = None) -> Ewma:
    """The mean of a fast and a slow EWMA of squares in which falls weigh more than rises.

    One decay is too slow for a shock and remembers it too long, and losses follow falls rather than rises. Two
    components: Engle and Lee (1999), in Cointegration, Causality and Forecasting; asymmetry, with which EWMA is as good
    as GARCH: Alexander and Dakos (2023), Quantitative Finance 23. It has the level of a variance where falls and rises
    are alike; elsewhere it has not, so that it is for tails, which divide by it and then multiply by it.
    """
    return asymmetric_mean(*asymmetric_parts(sequences, engine=engine))


def asymmetric_parts(sequences: Sequences, *, engine: Engine | None = None) -> tuple[Ewma, Ewma]:
    """The fast one and the slow one."""
    weighed = replace(sequences, values=weigh_falls(sequences.values))
    return ewma(weighed, decay=FAST, engine=engine), ewma(weighed, decay=SLOW, engine=engine)


def asymmetric_mean(fast: Ewma, slow: Ewma) -> Ewma:
    """Both together."""
    return Ewma(0.5 * (fast.variances + slow.variances), 0.5 * (fast.next_variance + slow.next_variance), fast.status)


def weigh_falls(returns: FloatArray) -> FloatArray:
    """Returns whose squares are those that `asymmetric_ewma` is made of."""
    return np.asarray(returns * np.where(returns < 0, np.sqrt(FALLS), np.sqrt(2 - FALLS)))


def _by_days(values: FloatArray, start: IntArray, decay: float, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The variance of each day and the one after the last, all series a day at a time."""
    variances = np.empty(values.shape[::-1])
    for t, value in enumerate(values.T):
        variances[t] = variance
        variance = np.where(t >= start, decay * variance + (1 - decay) * (value * value), variance)
    return variances.T, variance


def backcast(sequences: Sequences, mean: FloatArray | None = None) -> FloatArray:
    """The variance before the first return: that of the first 75 around `mean`, the first weighing most.

    The weights are 0.94^i, as in the library `arch`, so that likelihoods can be compared with it.
    """
    days = sequences.values.shape[1]
    position = np.arange(min(BACKCAST_OBSERVATIONS, days))
    place = days - sequences.size[:, None] + position
    values = np.take_along_axis(sequences.values, np.minimum(place, days - 1), axis=1)
    weights = np.where(place < days, BACKCAST_DECAY**position, 0.0)
    centre = 0.0 if mean is None else mean[:, None]
    total = weights.sum(axis=1)
    squares = (weights * (values - centre) ** 2).sum(axis=1)
    return np.asarray(squares / np.where(total > 0, total, 1.0))


def effective_days(decay: float, *, tolerance: float) -> float:
    """After how many days less than `tolerance` of the weight is left; RiskMetrics (1996), table 5.7."""
    return float(np.log(tolerance) / np.log(decay))
