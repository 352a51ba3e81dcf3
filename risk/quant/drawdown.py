"""Losses from the highest price so far."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray, IntArray, LabelArray, counts
from risk.quant.status import Status, statuses, where_ok


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Fractions of the peak between 0 and 1; a value an asset, NaN where the status is not OK."""

    maximum: FloatArray
    conditional: FloatArray
    """CDaR: the mean of the deepest (1 - level) of all days."""
    level: float
    observations: IntArray
    status: LabelArray


def drawdown(prices: FloatArray, *, level: float = 0.95) -> Drawdown:
    """Of the observed positive prices in the order of days; Chekhlov, Uryasev and Zabarankin (2005), IJTAF 8.

    A day without a price has no drawdown: it is left out, not filled.
    """
    depths = underwater(prices)
    size = counts(depths)
    status = statuses((Status.TOO_FEW_OBSERVATIONS, size < 2), size=len(depths))
    deepest_first = -np.sort(-depths, axis=1)
    tail = (1 - level) * size
    column = np.arange(depths.shape[1])
    # The day on the edge of the tail counts in part, as in expected shortfall.
    share = np.clip(tail[:, None] - column, 0.0, 1.0)
    total = np.where(share > 0, np.nan_to_num(deepest_first) * share, 0.0).sum(axis=1)
    maximum = deepest_first[:, 0] if depths.shape[1] else np.full(len(depths), np.nan)
    conditional = total / np.where(tail > 0, tail, 1.0)
    return Drawdown(where_ok(status, maximum), where_ok(status, conditional), level, size, status)


def current_drawdown(prices: FloatArray) -> FloatArray:
    """How far below the highest price the last one is, as a fraction; NaN with fewer than two prices."""
    valid = np.isfinite(prices) & (prices > 0)
    last = np.where(valid, np.arange(prices.shape[1]), -1).max(axis=1, initial=-1)
    peak = np.where(valid, prices, 0.0).max(axis=1, initial=0.0)
    latest = prices[np.arange(len(prices)), last] if prices.shape[1] else peak
    is_known = np.count_nonzero(valid, axis=1) > 1
    return np.where(is_known, 1 - np.where(is_known, latest, 0.0) / np.where(peak > 0, peak, 1.0), np.nan)


def underwater(prices: FloatArray) -> FloatArray:
    """How far below the highest price so far each day is, as a fraction; NaN where there is no price."""
    valid = np.isfinite(prices) & (prices > 0)
    peak = np.maximum.accumulate(np.where(valid, prices, 0.0), axis=1)
    return np.where(valid, 1 - np.where(valid, prices, 0.0) / np.where(peak > 0, peak, 1.0), np.nan)
