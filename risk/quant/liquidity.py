"""How much can be sold, and what it costs."""

from dataclasses import dataclass

import numpy as np

from risk.quant import standard_errors
from risk.quant.arrays import FloatArray, IntArray, counts, deviations, means, medians
from risk.quant.returns import returns

ORDER = 100_000.0
PARTICIPATION = 0.1


@dataclass(frozen=True, slots=True)
class Liquidity:
    """A value an asset; NaN where what it needs was not reported, which is not the same as zero."""

    median_volume: FloatArray
    """USD a day."""
    amihud: FloatArray
    """Absolute return per million USD."""
    turnover: FloatArray
    """Median of a day's volume to market cap."""
    zero_return_share: FloatArray
    days_since_trade: FloatArray
    """Since the last day with a volume above zero; NaN where no volume was ever reported."""
    liquidation_days: FloatArray
    liquidation_cost: FloatArray
    """As a fraction of the order; infinite where there is no volume."""
    volume_observations: IntArray
    amihud_observations: IntArray
    """Days with a return and a volume above zero."""
    turnover_observations: IntArray
    return_observations: IntArray
    median_volume_error: FloatArray
    amihud_error: FloatArray
    zero_return_error: FloatArray
    """Standard errors, in the units of what they belong to."""


def liquidity(
    prices: FloatArray,
    volumes: FloatArray,
    market_caps: FloatArray,
    *,
    order: float = ORDER,
    participation: float = PARTICIPATION,
) -> Liquidity:
    """Over the days of the matrices, which have one shape.

    Amihud (2002), J. Financial Markets 5. Zero returns: Lesmond, Ogden and Trzcinka (1999), RFS 12. Selling `order` at
    `participation` of the volume takes order / (participation x volume) days and moves the price by the square-root
    law sigma sqrt(order / volume): Toth et al. (2011), Physical Review X 1. What goes together from day to day
    counts as fewer observations in the standard errors.
    """
    volumes = np.where(np.isfinite(volumes) & (volumes >= 0), volumes, np.nan)
    moves = returns(prices).values
    volume = medians(volumes)
    traded = np.where(volumes > 0, volumes, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        caps = np.where(market_caps > 0, market_caps, np.nan)
        days = order / (participation * volume)
        cost = deviations(moves) * np.sqrt(order / volume)
        zeros = np.count_nonzero(moves == 0, axis=1) / counts(moves)
    is_zero = np.where(np.isnan(moves), np.nan, moves == 0)
    impact = np.abs(moves) / traded * 1e6
    trials = standard_errors.effective_size(is_zero)
    column = np.arange(volumes.shape[1])
    last_trade = np.where(volumes > 0, column, -1).max(axis=1, initial=-1)
    since = np.where(counts(volumes) > 0, volumes.shape[1] - 1 - last_trade, np.nan)
    return Liquidity(
        volume,
        means(impact),
        medians(volumes / caps),
        zeros,
        since,
        days,
        cost,
        counts(volumes),
        counts(impact),
        counts(volumes / caps),
        counts(moves),
        standard_errors.of_median(volumes),
        standard_errors.of_mean(impact),
        standard_errors.of_share(zeros * trials, trials),
    )
