"""Paths of the next days by filtered historical simulation."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray, IntArray
from risk.quant.engine import Engine, installed
from risk.quant.random_numbers import Stream


@dataclass(frozen=True, slots=True)
class Simulation:
    """A value a path: the log return over the horizon, and the deepest fall from the highest point on the way."""

    log_returns: FloatArray
    drawdowns: FloatArray
    engine: Engine


@dataclass(frozen=True, slots=True)
class Dynamics:
    """A variance recursion, in the terms of `garch.GarchFit`; EWMA has omega 0, alpha 1 - decay and beta decay."""

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    next_variance: float


def simulate(
    dynamics: Dynamics, residuals: FloatArray, *, days: int, paths: int, stream: Stream, engine: Engine | None = None
) -> Simulation:
    """Draw standardised residuals with replacement and let the variance answer to them.

    Barone-Adesi, Giannopoulos and Vosper (1999), J. Futures Markets 19. `residuals` of one asset, NaN left out;
    they are brought to variance one around their mean, so that the draws add no variance of their own.
    """
    pool = residuals[~np.isnan(residuals)]
    if pool.size < 2 or not pool.std() > 0:
        raise ValueError("residuals that differ are needed to draw from")
    pool = (pool - pool.mean()) / pool.std()
    draws = stream.integers(pool.size, (days, paths))
    engine = engine or installed()
    if engine is Engine.NUMBA:
        from risk.quant.compiled import filtered_simulation as compiled

        totals, drawdowns = np.empty(paths), np.empty(paths)
        compiled.paths(
            dynamics.mean,
            dynamics.omega,
            dynamics.alpha,
            dynamics.gamma,
            dynamics.beta,
            dynamics.next_variance,
            pool,
            draws,
            totals,
            drawdowns,
        )
    else:
        totals, drawdowns = _paths(dynamics, pool, draws)
    return Simulation(totals, 1 - np.exp(-drawdowns), engine)


def _paths(dynamics: Dynamics, pool: FloatArray, draws: IntArray) -> tuple[FloatArray, FloatArray]:
    paths = draws.shape[1]
    total, peak, deepest = np.zeros(paths), np.zeros(paths), np.zeros(paths)
    variance = np.full(paths, dynamics.next_variance)
    for drawn in draws:
        shock = pool[drawn] * np.sqrt(variance)
        total = total + (dynamics.mean + shock)
        peak = np.maximum(peak, total)
        deepest = np.maximum(deepest, peak - total)
        weight = np.where(shock < 0.0, dynamics.alpha + dynamics.gamma, dynamics.alpha)
        variance = dynamics.omega + weight * (shock * shock) + dynamics.beta * variance
    return total, deepest
