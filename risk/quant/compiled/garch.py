"""The likelihood of GARCH(1,1) and GJR with its exact gradient, a series after the other."""

import numpy as np
from numba import njit

from risk.quant.garch_loops import BLOCK


@njit(cache=True, error_model="numpy", nogil=True)
def student(values, is_first, start, rows, parameters, backcasts, products, sums, gradients):  # type: ignore[no-untyped-def]
    """Fill `products`, `sums` and `gradients` of the asked `rows`; `risk.quant.garch_loops` says what they are."""
    longest = values.shape[1]
    all_variances, all_slopes = np.empty(longest), np.empty(longest)
    for index in range(rows.shape[0]):
        row = rows[index]
        series, begins = values[row, start[row] :], is_first[row, start[row] :]
        days = series.shape[0]
        variance, slope = all_variances[:days], all_slopes[:days]
        mu, omega, alpha, gamma, beta, nu = parameters[index]
        before = backcasts[row]
        initial = omega + (alpha + 0.5 * gamma + beta) * before
        tail, half, weight = nu - 2.0, 0.5 * nu, 0.5 * (nu + 1.0) * (nu - 2.0)
        share, pull = 0.0, 0.0
        s, shock = 0.0, 0.0
        at = 0
        while at < days:
            end = min(at + BLOCK, days)
            variances, densities = 1.0, 1.0
            for t in range(at, end):
                s = initial if begins[t] or t == 0 else omega + shock + beta * s
                e = series[t] - mu
                square = e * e
                shock = ((alpha + gamma) if e < 0.0 else alpha) * square
                density = square + s * tail
                inverse = 1.0 / (density * s)
                r = inverse * s
                variances *= s
                densities *= density
                share += s * r
                pull += e * r
                slope[t] = half * (inverse * density) - weight * r
                variance[t] = s
            products[index, at // BLOCK, 0], products[index, at // BLOCK, 1] = variances, densities
            at = end
        sums[index, 0], sums[index, 1] = share, pull
        if gradients.shape[0]:
            backward(series, begins, parameters[index], before, variance, slope, gradients[index])


@njit(cache=True, error_model="numpy", nogil=True)
def normal(values, is_first, start, rows, parameters, backcasts, products, sums, gradients):  # type: ignore[no-untyped-def]
    """The same for normal innovations."""
    longest = values.shape[1]
    all_variances, all_slopes = np.empty(longest), np.empty(longest)
    for index in range(rows.shape[0]):
        row = rows[index]
        series, begins = values[row, start[row] :], is_first[row, start[row] :]
        days = series.shape[0]
        variance, slope = all_variances[:days], all_slopes[:days]
        mu, omega, alpha, gamma, beta = parameters[index, :5]
        before = backcasts[row]
        initial = omega + (alpha + 0.5 * gamma + beta) * before
        share, pull = 0.0, 0.0
        s, shock = 0.0, 0.0
        at = 0
        while at < days:
            end = min(at + BLOCK, days)
            variances = 1.0
            for t in range(at, end):
                s = initial if begins[t] or t == 0 else omega + shock + beta * s
                e = series[t] - mu
                square = e * e
                shock = ((alpha + gamma) if e < 0.0 else alpha) * square
                inverse = 1.0 / s
                variances *= s
                share += square * inverse
                pull += e * inverse
                slope[t] = 0.5 * inverse * (square * inverse - 1.0)
                variance[t] = s
            products[index, at // BLOCK, 0] = variances
            at = end
        sums[index, 0], sums[index, 1] = share, pull
        if gradients.shape[0]:
            backward(series, begins, parameters[index], before, variance, slope, gradients[index])


@njit(cache=True, error_model="numpy", nogil=True)
def backward(series, begins, parameters, before, variance, slope, gradient):  # type: ignore[no-untyped-def]
    """Carry the slope of each variance back through the recursion: one pass gives the whole gradient."""
    mu, alpha, gamma, beta = parameters[0], parameters[2], parameters[3], parameters[4]
    carried, by_mu, by_omega, by_alpha, by_gamma, by_beta = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(series.shape[0] - 1, -1, -1):
        adjoint = slope[t] + carried
        by_omega += adjoint
        if begins[t] or t == 0:
            by_alpha += adjoint * before
            by_gamma += 0.5 * adjoint * before
            by_beta += adjoint * before
            carried = 0.0
        else:
            e = series[t - 1] - mu
            moved = adjoint * e
            by_alpha += moved * e
            if e < 0.0:
                by_gamma += moved * e
                by_mu += moved * (alpha + gamma)
            else:
                by_mu += moved * alpha
            by_beta += adjoint * variance[t - 1]
            carried = beta * adjoint
    gradient[0], gradient[1], gradient[2] = by_mu, by_omega, by_alpha
    gradient[3], gradient[4] = by_gamma, by_beta
