"""Innovations of unit variance: quantiles and closed-form expected shortfall."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, ndtri, stdtrit

from risk.quant.arrays import BoolArray, FloatArray


def normal_quantile(level: ArrayLike) -> FloatArray:
    """The standard normal loss that is exceeded with probability 1 - level."""
    return np.asarray(ndtri(level))


def normal_shortfall(level: ArrayLike) -> FloatArray:
    """The mean of the standard normal losses beyond the quantile: phi(z) / (1 - level). McNeil et al. (2015), 2.3.4."""
    z = ndtri(level)
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) / (1 - np.asarray(level)))


def student_quantile(level: ArrayLike, degrees_of_freedom: ArrayLike) -> FloatArray:
    """The same for Student's t of unit variance; infinite degrees of freedom are the normal."""
    nu, heavy = _degrees(degrees_of_freedom)
    return np.asarray(np.where(heavy, stdtrit(nu, level) * np.sqrt((nu - 2) / nu), ndtri(level)))


def student_shortfall(level: ArrayLike, degrees_of_freedom: ArrayLike) -> FloatArray:
    """g(q) / (1 - level) (nu + q^2) / (nu - 1), scaled to unit variance. McNeil, Frey and Embrechts (2015), 2.3.4."""
    nu, heavy = _degrees(degrees_of_freedom)
    q = stdtrit(nu, level)
    log_density = gammaln(0.5 * (nu + 1)) - gammaln(0.5 * nu) - 0.5 * np.log(nu * np.pi)
    density = np.exp(log_density - 0.5 * (nu + 1) * np.log1p(q * q / nu))
    shortfall = density / (1 - np.asarray(level)) * (nu + q * q) / (nu - 1) * np.sqrt((nu - 2) / nu)
    return np.where(heavy, shortfall, normal_shortfall(level))


def _degrees(degrees_of_freedom: ArrayLike) -> tuple[FloatArray, BoolArray]:
    nu = np.asarray(degrees_of_freedom, dtype=np.float64)
    if np.any(nu <= 2):
        raise ValueError("Student's t has no variance at two degrees of freedom or fewer")
    heavy = ~np.isinf(nu)
    return np.where(heavy, nu, 10.0), heavy
