"""Variances that go from day to day, a series after the other."""

from math import sqrt

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy", nogil=True)
def ewma(values, start, decay, variances, following):  # type: ignore[no-untyped-def]
    """Fill `variances`; `following` holds the variance before the first return, and then the one after the last."""
    for row in range(values.shape[0]):
        variance = following[row]
        for t in range(values.shape[1]):
            variances[row, t] = variance
            if t >= start[row]:
                variance = decay * variance + (1.0 - decay) * (values[row, t] * values[row, t])
        following[row] = variance


@njit(cache=True, error_model="numpy", nogil=True)
def garch(values, happened, is_first, start, parameters, before, variances, residuals, following):  # type: ignore[no-untyped-def]
    """Fill `variances` and, from the first return on, `residuals`; `parameters` are mean, omega, alpha, gamma, beta."""
    for row in range(values.shape[0]):
        mean, omega, alpha, gamma, beta = parameters[row]
        initial = omega + (alpha + 0.5 * gamma + beta) * before[row]
        variance = initial
        for t in range(values.shape[1]):
            if is_first[row, t] or t <= start[row]:
                variance = initial
            variances[row, t] = variance
            residuals[row, t] = (happened[row, t] - mean) / sqrt(variance) if t >= start[row] else np.nan
            e = values[row, t] - mean
            variance = omega + ((alpha + gamma) if e < 0.0 else alpha) * (e * e) + beta * variance
        following[row] = variance
