"""Histories that might have been: squared returns under other parameters, and what averages make of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.quant.arrays import FloatArray, IntArray
from risk.quant.engine import Engine, installed
from risk.quant.ewma import BACKCAST_DECAY, BACKCAST_OBSERVATIONS, FAST, LASTING, RECENT, SLOW
from risk.quant.har import HORIZON, WINDOWS

Places = NDArray[np.uint64]
"""Days x paths, below 2^31: which of the residuals is drawn, as a share of how many there are."""

_ROWS = 11 + len(WINDOWS)


@dataclass(frozen=True, slots=True)
class Histories:
    """What is needed to live the last days of some assets again; squares are in the unit of the returns' variance."""

    squares: FloatArray
    """Assets x 3 x places: squared residuals of winsorised returns, of mean one, of what happened, and the first with
    the weights of falls and rises; at the end of each row."""
    size: IntArray
    """How many there are."""
    drawn: FloatArray
    """Assets x (omega, alpha, beta) x paths: what makes the variance."""
    fitted: FloatArray
    """Assets x (omega, alpha, beta): what is believed to make it."""
    start: FloatArray
    """The variance of the first day."""
    days: IntArray


@dataclass(frozen=True, slots=True)
class Lived:
    """What is left of each path, assets x paths."""

    variance: FloatArray
    """Of the day after it."""
    believed: FloatArray
    """The same as the fitted parameters make it of the path."""
    ahead: FloatArray
    """The mean over the days of the horizon that is to be expected of the variance."""
    believed_ahead: FloatArray
    recent: FloatArray
    """EWMA of winsorised returns."""
    actual: FloatArray
    """EWMA of what happened."""
    lasting: FloatArray
    """The slow EWMA of winsorised returns."""
    asymmetric: FloatArray
    """Asymmetric EWMA of winsorised returns."""
    windows: FloatArray
    """Windows of HAR x assets x paths: mean squares of the last days."""


def live(histories: Histories, places: Places, *, engine: Engine | None = None) -> Lived:
    """Filtered historical simulation (Barone-Adesi, Giannopoulos and Vosper 1999, J. Futures Markets 19), squared.

    A day's squared return is a drawn squared residual times the variance of the day; the mean, which is a small part
    of a daily return, is left out. Histories end together, so that shorter ones share the last days of `places`.
    """
    age = np.arange(BACKCAST_OBSERVATIONS)
    weights = np.where(age < histories.days[:, None], BACKCAST_DECAY**age, 0.0)
    weights /= weights.sum(axis=1)[:, None]
    ends = np.zeros((len(histories.days), _ROWS, places.shape[1]))
    if (engine or installed()) is Engine.NUMBA:
        from risk.quant.compiled import histories as compiled

        compiled.histories(
            histories.squares,
            histories.size,
            histories.drawn,
            histories.fitted,
            histories.start,
            len(places) - histories.days,
            places,
            weights,
            ends,
        )
    else:
        _histories(histories, places, weights, ends)
    variance, believed, ahead, believed_ahead, recent, actual, lasting, fast, slow, *sums = ends.transpose(1, 0, 2)
    before, weighed_before, *windows = sums
    days = histories.days[:, None].astype(np.float64)
    # An average starts from the backcast, and the weight of its start is what the days have left of it.
    return Lived(
        variance,
        believed,
        ahead / HORIZON,
        believed_ahead / HORIZON,
        recent + RECENT**days * before,
        actual + RECENT**days * before,
        lasting + LASTING**days * before,
        0.5 * (fast + FAST**days * weighed_before + slow + SLOW**days * weighed_before),
        np.stack([total / window for window, total in zip(WINDOWS, windows, strict=True)]),
    )


def _histories(histories: Histories, places: Places, weights: FloatArray, ends: FloatArray) -> None:
    """Fill `ends`, assets x what is left x paths: `compiled.histories` in NumPy."""
    for asset, end in enumerate(ends):
        winsorised, happened, weighed = histories.squares[asset][:, -histories.size[asset] :]
        omega, alpha, beta = histories.drawn[asset]
        known_omega, known_alpha, known_beta = histories.fitted[asset]
        variance, believed, ahead, believed_ahead, recent, actual, lasting, fast, slow, *sums = end
        before, weighed_before, *windows = sums
        variance[:], believed[:] = histories.start[asset], histories.start[asset]
        number, first = np.uint64(histories.size[asset]), len(places) - histories.days[asset]
        for day in range(first, len(places)):
            place = ((places[day] * number) >> np.uint64(31)).astype(np.int64)
            square, other, heavy = (squares[place] * variance for squares in (winsorised, happened, weighed))
            variance[:] = omega + alpha * square + beta * variance
            believed[:] = known_omega + known_alpha * square + known_beta * believed
            recent[:] = RECENT * recent + (1 - RECENT) * square
            actual[:] = RECENT * actual + (1 - RECENT) * other
            lasting[:] = LASTING * lasting + (1 - LASTING) * square
            fast[:] = FAST * fast + (1 - FAST) * heavy
            slow[:] = SLOW * slow + (1 - SLOW) * heavy
            if day - first < weights.shape[1]:
                before += weights[asset, day - first] * square
                weighed_before += weights[asset, day - first] * heavy
            for window, total in zip(WINDOWS, windows, strict=True):
                if len(places) - day <= window:
                    total += square
        now, belief = variance.copy(), believed.copy()
        for _ in range(HORIZON):
            ahead += now
            believed_ahead += belief
            now = omega + (alpha + beta) * now
            belief = known_omega + (known_alpha + known_beta) * belief
