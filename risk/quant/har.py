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
    longest = max(windows)
    places = max(0, days + 1 - longest)  # each decided after the return before it, the first after the longest window

    def mean_square(behind: int, ahead: int, places: int) -> FloatArray:
        begin = longest - behind
        end = longest + ahead
        return np.asarray((totals[:, end : end + places] - totals[:, begin : begin + places]) / (end - begin))

    learnt = slice(0, max(0, places - horizon))  # whose horizon is over
    past = [mean_square(window, 0, places) for window in windows]
    future = mean_square(0, horizon, learnt.stop)
    # A stretch without any movement has no logarithm; it teaches nothing.
    usable = np.arange(places) >= first[:, None]
    for values in past:
        usable &= values > 1e-18
    taught = usable[:, learnt] & (future > 1e-18)
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
        rows = slice(None) if good.size == len(squares) else good  # all of them need no copy
        coefficients[good] = _least_squares(
            [values[rows, learnt] for values in past], future[rows], taught[rows], penalty
        )
        variance[good] = np.exp(coefficients[good, 0])
        for place, values in enumerate(past):
            variance[good] *= values[good, -1] ** coefficients[good, 1 + place]
    return Har(coefficients, variance, size, status)


def _least_squares(past: list[FloatArray], future: FloatArray, taught: BoolArray, penalty: float) -> FloatArray:
    n = np.count_nonzero(taught, axis=1).astype(np.float64)
    columns, means = [], []
    for values in (*past, future):
        logs = np.log(np.where(taught, values, 1.0))
        mean = logs.sum(axis=1) / n
        logs -= mean[:, None]
        logs *= taught
        columns.append(logs)
        means.append(mean)
    width = len(past)
    moments = np.empty((len(n), width, width + 1))
    for i in range(width):
        for j in range(i, width + 1):
            moments[:, i, j] = np.einsum("nt,nt->n", columns[i], columns[j])
            if j < width:
                moments[:, j, i] = moments[:, i, j]
    gram = moments[:, :, :width] + penalty * np.eye(width)
    slopes = np.linalg.solve(gram, moments[:, :, width:] + penalty / width)[:, :, 0]
    intercept = means[width] - sum(slopes[:, place] * means[place] for place in range(width))
    return np.column_stack([intercept, slopes])
