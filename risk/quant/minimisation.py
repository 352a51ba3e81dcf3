"""Many small smooth problems minimised at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray

Objective = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]
"""Values and gradients of the problems in the given rows at the given points."""

SUFFICIENT_DECREASE = 1e-4
LONGEST_STEP = 1.5
MOST_CUTS = 25
SETTLED_DECREASE = 1e-9
SETTLED_STEPS = 3
SETTLED_SLOPE = 100.0


@dataclass(frozen=True, slots=True)
class Minima:
    """A row a problem."""

    points: FloatArray
    values: FloatArray
    gradient_norms: FloatArray
    is_converged: BoolArray
    evaluations: IntArray


def minimise(
    objective: Objective, start: FloatArray, *, curvature: FloatArray, tolerance: float, most_evaluations: int = 150
) -> Minima:
    """BFGS with a backtracking line search (Nocedal and Wright 2006, algorithms 3.1 and 6.1) on every row.

    `curvature` is a first guess of each problem's second derivatives, a matrix a row. Converged means that no
    component of the gradient is above `tolerance`, or, on the way to a bound at infinity, that it is below a hundred
    times that and three steps gained nothing; a row that stops for another reason says that it is not converged. Rows
    do not know of each other: a problem has the same solution in any company.
    """
    size = len(start)
    rows = np.arange(size)
    x = start.copy()
    f, g = objective(x, rows)
    evaluations = np.ones(size, dtype=np.int64)
    inverse = np.linalg.inv(curvature).astype(np.float64)
    direction, slope, step = _directions(inverse, g)
    cuts, settled = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    active = np.flatnonzero(np.isfinite(f) & (np.abs(g).max(axis=1) > tolerance))
    while active.size:
        trial = x[active] + step[active, None] * direction[active]
        value, gradient = objective(trial, active)
        evaluations[active] += 1
        good = np.isfinite(value) & np.isfinite(gradient).all(axis=1)
        good &= value <= f[active] + SUFFICIENT_DECREASE * step[active] * slope[active]

        moved = active[good]
        s, y = trial[good] - x[moved], gradient[good] - g[moved]
        inverse[moved] = _updated(inverse[moved], s, y)
        settled[moved] = np.where(f[moved] - value[good] < SETTLED_DECREASE, settled[moved] + 1, 0)
        x[moved], f[moved], g[moved], cuts[moved] = trial[good], value[good], gradient[good], 0
        direction[moved], slope[moved], step[moved] = _directions(inverse[moved], g[moved])

        stuck = active[~good]
        step[stuck] *= _cut(value[~good] - f[stuck], step[stuck] * slope[stuck])
        cuts[stuck] += 1

        norms = np.abs(g[active]).max(axis=1)
        is_open = norms > np.where(settled[active] >= SETTLED_STEPS, SETTLED_SLOPE * tolerance, tolerance)
        active = active[is_open & (cuts[active] < MOST_CUTS) & (evaluations[active] < most_evaluations)]
    norms = np.abs(g).max(axis=1)
    # A line search that can go no further is at the floor of rounding; how flat it is there decides.
    is_settled = (settled >= SETTLED_STEPS) | (cuts >= MOST_CUTS)
    limits = np.where(is_settled, SETTLED_SLOPE * tolerance, tolerance)
    return Minima(x, f, norms, np.isfinite(f) & (norms <= limits), evaluations)


def _directions(inverse: FloatArray, gradient: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where to go, how steep it is there, and how far at first."""
    direction = -(inverse * gradient[:, None, :]).sum(axis=2)
    slope = (direction * gradient).sum(axis=1)
    longest = np.abs(direction).max(axis=1)
    return direction, slope, np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-300))


def _cut(rise: FloatArray, expected: FloatArray) -> FloatArray:
    """By which factor a refused step becomes shorter: the minimum of the parabola through what is known."""
    with np.errstate(all="ignore"):
        factor = -expected / (2 * (rise - expected))
    return np.clip(np.where(np.isfinite(factor), factor, 0.1), 0.1, 0.5)


def _updated(inverse: FloatArray, s: FloatArray, y: FloatArray) -> FloatArray:
    """The inverse second derivatives after a step `s` that changed the gradient by `y`."""
    sy, yy = (s * y).sum(axis=1), (y * y).sum(axis=1)
    use = sy > 1e-12 * np.sqrt((s * s).sum(axis=1) * yy)
    sy = np.where(use, sy, 1.0)
    hy = (inverse * y[:, None, :]).sum(axis=2)
    factor = (1 + (hy * y).sum(axis=1) / sy) / sy
    crossed = hy[:, :, None] * s[:, None, :]
    change = factor[:, None, None] * (s[:, :, None] * s[:, None, :])
    change -= (crossed + crossed.transpose(0, 2, 1)) / sy[:, None, None]
    return np.where(use[:, None, None], inverse + change, inverse)
