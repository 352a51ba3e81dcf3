"""Which of several forecasts is better, and which cannot be told apart from the best."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from risk.quant.arrays import FloatArray
from risk.quant.bootstrap import stationary_indices
from risk.quant.random_numbers import Stream


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """Negative: the first forecast loses less. The p-value is two-sided."""

    mean_difference: float
    statistic: float
    p_value: float
    observations: int


@dataclass(frozen=True, slots=True)
class ConfidenceSet:
    """Models in the order in which they were eliminated, the best last, with their MCS p-values."""

    models: tuple[int, ...]
    p_values: tuple[float, ...]

    def included(self, *, size: float) -> frozenset[int]:
        """The set that holds the best model with probability 1 - size."""
        return frozenset(model for model, p in zip(self.models, self.p_values, strict=True) if p > size)


def diebold_mariano(first: FloatArray, second: FloatArray, *, lags: int | None = None) -> DieboldMariano:
    """Of two series of losses; Diebold and Mariano (1995), JBES 13, with the variance of Newey and West (1987).

    `lags` are `newey_west_lags` by default. Pool assets into one mean loss a date first: losses of one date are not
    independent. NaN where the two never differ.
    """
    difference = first - second
    difference = difference[~np.isnan(difference)]
    n = difference.size
    if n < 2:
        return DieboldMariano(float("nan"), float("nan"), float("nan"), n)
    mean = float(difference.mean())
    variance = long_run_variance(difference, lags=newey_west_lags(n) if lags is None else lags)
    if variance <= 0:
        return DieboldMariano(mean, float("nan"), float("nan"), n)
    statistic = mean / float(np.sqrt(variance / n))
    return DieboldMariano(mean, statistic, float(2 * ndtr(-abs(statistic))), n)


def newey_west_lags(size: int) -> int:
    """floor(4 (n / 100)^(2/9)); Newey and West (1994), Review of Economic Studies 61."""
    return int(4 * (size / 100) ** (2 / 9))


def long_run_variance(values: FloatArray, *, lags: int) -> float:
    """With Bartlett weights, never negative; Newey and West (1987), Econometrica 55."""
    apart = values - values.mean()
    total = float((apart * apart).sum())
    for lag in range(1, min(lags, values.size - 1) + 1):
        total += 2 * (1 - lag / (lags + 1)) * float((apart[lag:] * apart[:-lag]).sum())
    return total / values.size


def model_confidence_set(
    losses: FloatArray, *, stream: Stream, resamples: int = 1000, mean_block: float = 10
) -> ConfidenceSet:
    """Of models x dates; Hansen, Lunde and Nason (2011), Econometrica 79, with the statistic T_max.

    Average over assets first: one asset cannot separate models (800 days of bitcoin kept 6 to 8 of 8). Dates with a
    missing loss are left out.
    """
    known = losses[:, ~np.isnan(losses).any(axis=0)]
    models, dates = known.shape
    indices = stationary_indices(stream, days=dates, resamples=resamples, mean_block=mean_block)
    drawn = np.stack([row[indices].mean(axis=1) for row in known])  # models x resamples
    means = known.mean(axis=1)
    left = list(range(models))
    order, p_values, worst_so_far = [], [], 0.0
    while len(left) > 1:
        excess = means[left] - means[left].mean()
        moved = drawn[left] - means[left, None]
        moved -= moved.mean(axis=0)
        spread = np.sqrt((moved**2).mean(axis=1))
        if not (spread > 0).all():
            break  # what never differs cannot be told apart
        statistic = (excess / spread).max()
        p = float((((moved / spread[:, None]).max(axis=0)) >= statistic).mean())
        worst_so_far = max(worst_so_far, p)
        loser = left.pop(int(np.argmax(excess / spread)))
        order.append(loser)
        p_values.append(worst_so_far)
    return ConfidenceSet((*order, *left), (*p_values, *[1.0] * len(left)))
