"""How an asset moves with the market, and whether they fall together."""

from dataclasses import dataclass

import numpy as np

from risk.quant import standard_errors
from risk.quant.arrays import BoolArray, FloatArray, IntArray, LabelArray
from risk.quant.status import Status, is_ok, statuses, where_ok

FEWEST = 60
TAIL = 0.05
LARGEST_CAP = 1e14
"""USD, forty times the largest that has been seen: what is larger is no market cap, and would be the whole index."""


@dataclass(frozen=True, slots=True)
class MarketDependence:
    """A value an asset; NaN where the status is not OK."""

    beta: FloatArray
    downside_beta: FloatArray
    tail_dependence: FloatArray
    """Of the days in the reference's worst tail, the share that was in the asset's worst tail too."""
    beta_error: FloatArray
    downside_beta_error: FloatArray
    tail_dependence_error: FloatArray
    """Standard errors."""
    observations: IntArray
    status: LabelArray


def market_dependence(
    returns: FloatArray, market: FloatArray, reference: FloatArray, *, tail: float = TAIL
) -> MarketDependence:
    """`returns` are assets x days; `market` and `reference` (bitcoin) one value a day, or likewise one a return.

    Beta is least squares; downside beta the same on the days below the market's mean (Bawa and Lindenberg 1977, JFE 5;
    Ang, Chen and Xing 2006, RFS 19); tail dependence is the empirical coefficient at `tail` (Joe 1997, 2.1.10). Only
    days with both values count. The errors of the betas are robust against variances that differ (HC1: MacKinnon and
    White 1985, J. Econometrics 29); that of the tail dependence is of a share of the days in the tail.
    """
    both = ~np.isnan(returns) & ~np.isnan(market)
    size = np.count_nonzero(both, axis=1)
    status = statuses((Status.TOO_FEW_OBSERVATIONS, size < FEWEST), size=len(returns))
    beta, beta_error, spread = _slope(returns, market, both)
    mean = np.where(both, np.nan_to_num(market), 0.0).sum(axis=1) / np.maximum(size, 1)
    with np.errstate(invalid="ignore"):
        below = both & (market < mean[:, None])
    downside, downside_error, _ = _slope(returns, market, below)
    status[is_ok(status) & ~(spread > 0)] = Status.CONSTANT
    dependence, dependence_error = _tail_dependence(returns, reference, tail)
    return MarketDependence(
        where_ok(status, beta),
        where_ok(status, downside),
        where_ok(status, dependence),
        where_ok(status, beta_error),
        where_ok(status, downside_error),
        where_ok(status, dependence_error),
        size,
        status,
    )


def over_same_days(market: FloatArray, days: IntArray) -> FloatArray:
    """Of each return (assets x days, `days` what it spans) the market's over the same days, divided by their root too.

    Beside the market of its last day alone a price that is rarely made would hardly move with it: Dimson (1979), JFE 7,
    who sums over the market's lags; where the days of the trades are known, comparing trade with trade needs none:
    Marsh (1979), J. Finance 34. NaN where a day of the market is not known.
    """
    matched = np.broadcast_to(market, days.shape).copy()
    longer = np.flatnonzero((days > 1).any(axis=1))
    total = np.concatenate([[0.0], np.nan_to_num(market).cumsum()])
    unknown = np.concatenate([[0], np.isnan(market).cumsum()])
    end = np.arange(len(market)) + 1
    days = days[longer]
    start = end - days
    first = np.maximum(start, 0)
    is_known = (start >= 0) & (unknown[end] == unknown[first])
    summed = np.where(is_known, (total[end] - total[first]) / np.sqrt(np.maximum(days, 1)), np.nan)
    matched[longer] = np.where(days > 1, summed, market)
    return matched


def weighted_index(returns: FloatArray, market_caps: FloatArray) -> FloatArray:
    """The market's return a day: simple returns weighted by the caps of the day before, as far as they can be ones; NaN
    where none counts."""
    weights = np.full(returns.shape, np.nan)
    weights[:, 1:] = market_caps[:, :-1]
    usable = np.isfinite(returns) & (weights > 0) & (weights <= LARGEST_CAP)
    weights = np.where(usable, weights, 0.0)
    total = weights.sum(axis=0)
    moved = (weights * np.where(usable, returns, 0.0)).sum(axis=0)
    return np.where(total > 0, moved / np.where(total > 0, total, 1.0), np.nan)


def _slope(y: FloatArray, x: FloatArray, use: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Least-squares slopes of the rows of `y` on `x` with their errors, and the sums of squares of `x`, where `use`
    holds."""
    n = np.maximum(np.count_nonzero(use, axis=1), 1)
    xs, ys = np.where(use, np.nan_to_num(x), 0.0), np.where(use, np.nan_to_num(y), 0.0)
    x_apart = np.where(use, xs - (xs.sum(axis=1) / n)[:, None], 0.0)
    y_apart = np.where(use, ys - (ys.sum(axis=1) / n)[:, None], 0.0)
    spread = (x_apart**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(spread > 0, (x_apart * y_apart).sum(axis=1) / spread, np.nan)
        left = (x_apart * (y_apart - slope[:, None] * x_apart)) ** 2
        error = np.where(n > 2, np.sqrt(left.sum(axis=1) * n / (n - 2)) / spread, np.nan)
        return slope, error, spread


def _tail_dependence(returns: FloatArray, reference: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    both = ~np.isnan(returns) & ~np.isnan(reference)
    size = np.count_nonzero(both, axis=1)
    worst = np.maximum(np.floor(tail * size).astype(np.int64), 1)
    own = _is_among_worst(np.where(both, returns, np.nan), worst)
    theirs = _is_among_worst(np.where(both, np.nan_to_num(reference), np.nan), worst)
    together = np.count_nonzero(own & theirs, axis=1)
    return np.asarray(together / worst), standard_errors.of_share(together, worst)


def _is_among_worst(values: FloatArray, number: IntArray) -> BoolArray:
    """Of equal values at the edge the earliest."""
    if not values.shape[1]:
        return np.zeros(values.shape, dtype=np.bool_)
    edge = np.sort(values, axis=1)[np.arange(len(values)), number - 1][:, None]  # NaN last
    below, level = values < edge, values == edge
    left = number - np.count_nonzero(below, axis=1)
    return np.asarray(below | (level & (level.cumsum(axis=1) <= left[:, None])), dtype=np.bool_)
