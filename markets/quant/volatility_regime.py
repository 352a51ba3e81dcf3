"""How turbulent the market is, compared with itself."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Regime = Literal["calm", "normal", "turbulent"]

WINDOW_DAYS = 30
MIN_RETURNS = 24
"""Of a window: with more days missing its volatility is not known."""
MIN_HISTORY = 180
"""Volatilities of earlier days: with fewer, nobody can say what is usual."""
MIN_MEMBERS = 5
"""Of a day's index: fewer coins are no market."""
LARGEST_MOVE = 1.0
"""A coin's log return counts at most so much, up or down: one bad print must not be the market."""
CALM_BELOW, TURBULENT_FROM = 0.25, 0.75
DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class RegimeNow:
    """Annualised realised volatility of the last `WINDOW_DAYS`, and the share of earlier ones that lie below it.

    `regime` and `percentile` are None with too short a history. `history_days` counts the volatilities compared with.
    """

    volatility: float
    percentile: float | None
    regime: Regime | None
    history_days: int


def cap_weighted_returns(close: FloatArray, market_cap: FloatArray) -> FloatArray:
    """Daily log returns of the market, weighted by the market caps of the day before.

    Both arrays are assets x days, NaN = missing; the result has one value fewer than there are days, NaN where fewer
    than `MIN_MEMBERS` assets have a cap, that day's close and the close before.
    """
    before, after, weight = close[:, :-1], close[:, 1:], market_cap[:, :-1]
    known = (before > 0) & (after > 0) & (weight > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = np.clip(np.where(known, np.log(after / before), 0.0), -LARGEST_MOVE, LARGEST_MOVE)
    weights = np.where(known, weight, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # The index holds amounts, not logarithms: its return is the mean of the simple ones.
        returns = np.log1p((weights * np.expm1(moves)).sum(axis=0) / weights.sum(axis=0))
    return np.where(known.sum(axis=0) >= MIN_MEMBERS, returns, np.nan)


def realised_volatility(returns: FloatArray) -> FloatArray:
    """Annualised root mean square of each `WINDOW_DAYS` of log returns; NaN where too many of them are missing."""
    if returns.size < WINDOW_DAYS:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(returns, WINDOW_DAYS)
    known = np.isfinite(windows)
    count = known.sum(axis=1)
    squares = np.where(known, windows, 0.0) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        volatility = np.sqrt(DAYS_A_YEAR * squares.sum(axis=1) / count)
    return np.where(count >= MIN_RETURNS, volatility, np.nan)


def regime_now(returns: FloatArray) -> RegimeNow | None:
    """The regime at the end of a series of daily log returns, oldest first; None where the last window is not known."""
    volatilities = realised_volatility(returns)
    if not volatilities.size or not np.isfinite(volatilities[-1]):
        return None
    now = float(volatilities[-1])
    earlier = volatilities[:-1][np.isfinite(volatilities[:-1])]
    if earlier.size < MIN_HISTORY:
        return RegimeNow(now, None, None, int(earlier.size))
    percentile = float((earlier < now).mean())
    return RegimeNow(now, percentile, _named(percentile), int(earlier.size))


def _named(percentile: float) -> Regime:
    if percentile < CALM_BELOW:
        return "calm"
    return "turbulent" if percentile >= TURBULENT_FROM else "normal"
