"""Heterogeneous autoregression of log variance: the next month from the last week, month and quarter."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray, LabelArray
from risk.quant.returns import Sequences
from risk.quant.status import Status, is_ok, statuses

WINDOWS = (7, 30, 90)
HORIZON = 30
FEWEST = 60
"""Overlapping months to learn from, beyond the longest window."""


@dataclass(frozen=True, slots=True)
class Har:
    """`variance` is the median forecast of one day's variance over the horizon; NaN where the status is not OK."""

    coefficients: FloatArray
    """Constant, then one a window."""
    variance: FloatArray
    observations: IntArray
    status: LabelArray


def har(
    sequences: Sequences, *, windows: tuple[int, ...] = WINDOWS, horizon: int = HORIZON, penalty: float = 1.0
) -> Har:
    """Least squares of the log of the next `horizon` days' mean square on the logs of past mean squares.

    Corsi (2009), J. Financial Econometrics 7, in logs and with daily squares for want of intraday ones. The small
    ridge `penalty` draws towards equal shares of the windows, for the windows say nearly the same.
    """
    squares = np.where(sequences.is_real, sequences.values**2, 0.0)
    days = squares.shape[1]
    totals = np.concatenate([np.zeros((len(squares), 1)), squares.cumsum(axis=1)], axis=1)
    first = days - sequences.size
    at = np.arange(max(windows), days + 1)  # decided after the return of place at - 1
    past = np.stack([(totals[:, at] - totals[:, at - window]) / window for window in windows], axis=2)
    known = at - max(windows) >= first[:, None]
    learnt = at + horizon <= days
    future = np.zeros((len(squares), len(at)))
    future[:, learnt] = (totals[:, at[learnt] + horizon] - totals[:, at[learnt]]) / horizon
    # A stretch without any movement has no logarithm; it teaches nothing.
    usable = known & (past > 1e-18).all(axis=2)
    taught = usable & learnt & (future > 1e-18)
    size = np.count_nonzero(taught, axis=1)
    forecastable = usable[:, -1] if usable.shape[1] else np.zeros(len(squares), dtype=np.bool_)
    status = statuses(
        (Status.TOO_FEW_OBSERVATIONS, (sequences.size < max(windows)) | (size < FEWEST)),
        (Status.CONSTANT, ~forecastable),
        size=len(squares),
    )
    good = np.flatnonzero(is_ok(status))
    coefficients = np.full((len(squares), 1 + len(windows)), np.nan)
    variance = np.full(len(squares), np.nan)
    if good.size:
        coefficients[good] = _least_squares(past[good], future[good], taught[good], penalty)
        latest = np.log(past[good, -1])
        variance[good] = np.exp(coefficients[good, 0] + (coefficients[good, 1:] * latest).sum(axis=1))
    return Har(coefficients, variance, size, status)


def _least_squares(past: FloatArray, future: FloatArray, taught: BoolArray, penalty: float) -> FloatArray:
    weight = taught.astype(np.float64)
    n = weight.sum(axis=1)
    x = np.log(np.where(taught[:, :, None], past, 1.0))
    y = np.log(np.where(taught, future, 1.0))
    x_mean, y_mean = x.sum(axis=1) / n[:, None], y.sum(axis=1) / n
    x = (x - x_mean[:, None, :]) * weight[:, :, None]
    y = (y - y_mean[:, None]) * weight
    width = x.shape[2]
    share = 1.0 / width
    gram = np.einsum("nti,ntj->nij", x, x) + penalty * np.eye(width)
    slopes = np.linalg.solve(gram, (np.einsum("nti,nt->ni", x, y) + penalty * share)[:, :, None])[:, :, 0]
    return np.column_stack([y_mean - (slopes * x_mean).sum(axis=1), slopes])
