"""Paths of filtered historical simulation, one after the other."""

from math import sqrt

from numba import njit


@njit(cache=True, error_model="numpy", nogil=True)
def paths(mean, omega, alpha, gamma, beta, next_variance, pool, draws, totals, drawdowns):  # type: ignore[no-untyped-def]
    """Fill `totals` and `drawdowns` (in logs); `draws` are days x paths positions in `pool`."""
    for path in range(draws.shape[1]):
        total, peak, deepest, variance = 0.0, 0.0, 0.0, next_variance
        for day in range(draws.shape[0]):
            shock = pool[draws[day, path]] * sqrt(variance)
            total = total + (mean + shock)
            peak = max(peak, total)
            deepest = max(deepest, peak - total)
            weight = (alpha + gamma) if shock < 0.0 else alpha
            variance = omega + weight * (shock * shock) + beta * variance
        totals[path], drawdowns[path] = total, deepest
