"""The variances of returns under parameters that are known, and those to come."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray, IntArray
from risk.quant.engine import Engine, installed
from risk.quant.garch.fits import GarchFit
from risk.quant.returns import Sequences


@dataclass(frozen=True, slots=True)
class Filtered:
    """The variances of given returns under given parameters, aligned as the returns are."""

    variances: FloatArray
    residuals: FloatArray
    """Standardised; NaN before the first return."""
    next_variance: FloatArray


def filtered(
    sequences: Sequences, fits: GarchFit, *, actual: FloatArray | None = None, engine: Engine | None = None
) -> Filtered:
    """Run the recursion of `fits` over the returns.

    Where the recursion is given winsorised returns, `actual` are those that happened, in the same places: the residuals
    are theirs, for a tail that was cut off cannot be learnt from.
    """
    happened = sequences.values if actual is None else actual
    start = sequences.values.shape[1] - sequences.size
    if (engine or installed()) is Engine.NUMPY:
        return _filtered_by_days(sequences, happened, start, fits)
    from risk.quant.compiled import recursions

    variances, residuals = np.empty_like(sequences.values), np.empty_like(sequences.values)
    following = np.empty(len(start))
    parameters = np.column_stack([fits.mean, fits.omega, fits.alpha, fits.gamma, fits.beta])
    recursions.garch(
        sequences.values,
        happened,
        sequences.is_first,
        start,
        parameters,
        fits.backcast,
        variances,
        residuals,
        following,
    )
    return Filtered(variances, residuals, following)


def _filtered_by_days(sequences: Sequences, happened: FloatArray, start: IntArray, fits: GarchFit) -> Filtered:
    first = sequences.is_first.T
    initial = fits.omega + fits.persistence * fits.backcast
    variances = np.empty(first.shape)
    variance = initial
    for t, value in enumerate(sequences.values.T):
        variance = np.where(first[t] | (t <= start), initial, variance)
        variances[t] = variance
        error = value - fits.mean
        shock = np.where(error < 0, fits.alpha + fits.gamma, fits.alpha) * (error * error)
        variance = fits.omega + shock + fits.beta * variance
    residuals = (happened - fits.mean[:, None]) / np.sqrt(variances.T)
    return Filtered(variances.T, np.where(sequences.is_real, residuals, np.nan), variance)


def variance_forecast(fits: GarchFit, next_variance: FloatArray, *, days: int) -> FloatArray:
    """The expected variance of each of the next `days`: it returns to the long run at the rate of the persistence."""
    powers = fits.persistence[:, None] ** np.arange(days)
    long_run = fits.long_run_variance[:, None]
    return long_run + powers * (next_variance[:, None] - long_run)
