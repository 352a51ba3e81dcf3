"""What came of an asset over the days after a forecast."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray, counts
from risk.quant.distributions import normal_shortfall
from risk.quant.drawdown import underwater
from risk.quant.returns import returns
from risk.quant.score_map import ANCHORS

FEWEST = 20
DAYS_A_YEAR = 365
TAIL = 0.1
FALL = 0.3
LEAST = ANCHORS.volatilities[0]
"""A year: what is calmer is all the same to a score, and its logarithm would outweigh all else that is learnt from."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A value an asset; NaN where fewer than 20 returns were observed."""

    volatility: FloatArray
    """Annualised root mean square of the daily log returns."""
    expected_shortfall: FloatArray
    """Mean of the worst tenth of the days."""
    drawdown: FloatArray
    has_fallen: FloatArray
    """1 where a close was more than 30 % below the one of the forecast, else 0."""
    observations: IntArray

    @classmethod
    def joined(cls, parts: Sequence["Outcomes"]) -> "Outcomes":
        """All of them, in this order."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )

    @property
    def is_known(self) -> BoolArray:
        return np.asarray(~np.isnan(self.volatility), dtype=np.bool_)

    @property
    def log_risk(self) -> FloatArray:
        """Log of annualised volatility: the mean of the realised one and of that whose normal tail is the realised
        shortfall. What the score forecasts; NaN of a price that never moved, for nobody made it."""
        scale = np.sqrt(DAYS_A_YEAR) / float(normal_shortfall(1 - TAIL))
        parts = np.maximum(self.volatility, LEAST), np.maximum(self.expected_shortfall * scale, LEAST)
        return np.where(self.volatility > 0, 0.5 * (np.log(parts[0]) + np.log(parts[1])), np.nan)


def outcomes(prices: FloatArray) -> Outcomes:
    """Of a panel whose first day is that of the forecast; assets x days."""
    moves = returns(prices).values[:, 1:]
    size = counts(moves)
    enough = size >= FEWEST
    with np.errstate(invalid="ignore"):
        volatility = np.sqrt(np.nansum(moves**2, axis=1) / np.maximum(size, 1) * DAYS_A_YEAR)
    worst = np.sort(moves, axis=1)
    tail = TAIL * size
    share = np.clip(tail[:, None] - np.arange(worst.shape[1]), 0.0, 1.0)
    shortfall = -np.where(share > 0, np.nan_to_num(worst) * share, 0.0).sum(axis=1) / np.maximum(tail, 1e-9)
    depth = underwater(prices)
    deepest = np.where(np.isnan(depth), 0.0, depth).max(axis=1, initial=0.0)
    first = prices[:, :1]
    with np.errstate(invalid="ignore"):
        has_fallen = (prices < (1 - FALL) * first).any(axis=1).astype(np.float64)
    blank = np.where(enough, 0.0, np.nan)
    known_first = np.where(np.isfinite(first[:, 0]), 0.0, np.nan)
    return Outcomes(
        blank + volatility, blank + np.maximum(shortfall, 0.0), blank + deepest, blank + known_first + has_fallen, size
    )
