"""From a volatility to a score between 0 and 100, and the words for it."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from risk.quant.arrays import FloatArray


class Band(StrEnum):
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    VERY_HIGH = "very_high"
    EXTREME = "extreme"


BAND_LIMITS = ((25.0, Band.LOW), (45.0, Band.MODERATE), (65.0, Band.HIGH), (85.0, Band.VERY_HIGH))


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """Piecewise linear in the logarithm of annualised volatility; frozen with a model's version.

    Fixed anchors make the score absolute: a crash of the whole market raises every score, which a percentile cannot.
    Beyond the outer anchors the outer pieces go on until 0 and 100.
    """

    volatilities: tuple[float, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.volatilities) != len(self.scores) or len(self.scores) < 2:
            raise ValueError("at least two anchors, each with its score")
        if min(np.diff(self.volatilities)) <= 0 or min(np.diff(self.scores)) <= 0 or self.volatilities[0] <= 0:
            raise ValueError("anchors rise, from above zero")
        if self.scores[0] < 0 or self.scores[-1] > 100:
            raise ValueError("scores are between 0 and 100")

    def score(self, log_volatility: ArrayLike) -> FloatArray:
        """Never lower for a higher volatility; NaN for NaN."""
        x, anchors, values = (
            np.asarray(log_volatility, dtype=np.float64),
            np.log(self.volatilities),
            np.array(self.scores),
        )
        slopes = np.diff(values) / np.diff(anchors)
        piece = np.clip(np.searchsorted(anchors, x, side="right") - 1, 0, len(slopes) - 1)
        return np.clip(values[piece] + slopes[piece] * (x - anchors[piece]), 0.0, 100.0)

    def log_volatility(self, score: ArrayLike) -> FloatArray:
        """The inverse, for scores strictly between 0 and 100."""
        y, anchors, values = np.asarray(score, dtype=np.float64), np.log(self.volatilities), np.array(self.scores)
        slopes = np.diff(values) / np.diff(anchors)
        piece = np.clip(np.searchsorted(values, y, side="right") - 1, 0, len(slopes) - 1)
        return np.asarray(anchors[piece] + (y - values[piece]) / slopes[piece])


ANCHORS = ScoreMap(
    (0.01, 0.05, 0.2, 0.4, 0.6, 1.0, 1.5, 2.5, 5.0), (2.0, 10.0, 25.0, 40.0, 50.0, 65.0, 77.0, 90.0, 98.0)
)


def band(score: float) -> Band:
    """The word for a score; a limit belongs to the higher band."""
    return next((name for limit, name in BAND_LIMITS if score < limit), Band.EXTREME)
