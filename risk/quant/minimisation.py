"""Many small smooth problems minimised at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray

Objective = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]
"""Values and gradients of the problems in the given rows at the given points."""


class Limits(NamedTuple):
    """When a step is good enough, how far it may go, and when a search is over."""

    flat: float
    """No component of the gradient is above it."""
    settled_flat: float
    """The same once a few steps have gained nothing, as on the way to a bound at infinity."""
    settled_decrease: float = 1e-9
    settled_steps: int = 3
    sufficient_decrease: float = 1e-4
    longest_step: float = 1.5
    shortest_cut: float = 0.1
    longest_cut: float = 0.5
    most_cuts: int = 25
    most_evaluations: int = 150


@dataclass(frozen=True, slots=True)
class Minima:
    """A row a problem."""

    points: FloatArray
    values: FloatArray
    gradient_norms: FloatArray
    is_converged: BoolArray
    evaluations: IntArray


def minimise(objective: Objective, start: FloatArray, *, inverse_curvature: FloatArray, limits: Limits) -> Minima:
    """BFGS with a backtracking line search (Nocedal and Wright 2006, algorithms 3.1 and 6.1) on every row.

    `inverse_curvature` is a first guess of the inverse of each problem's second derivatives, a matrix a row. Converged
    means flat by the limits; a row that stops for another reason says that it is not converged. Rows do not know of
    each other: a problem has the same solution in any company.
    """
    size = len(start)
    rows = np.arange(size)
    x = start.copy()
    f, g = objective(x, rows)
    evaluations = np.ones(size, dtype=np.int64)
    inverse = inverse_curvature.copy()
    direction, slope, step = _directions(inverse, g, limits)
    cuts, settled = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    active = np.flatnonzero(np.isfinite(f) & (np.abs(g).max(axis=1) > limits.flat))
    while active.size:
        trial = x[active] + step[active, None] * direction[active]
        value, gradient = objective(trial, active)
        evaluations[active] += 1
        good = np.isfinite(value) & np.isfinite(gradient).all(axis=1)
        good &= value <= f[active] + limits.sufficient_decrease * step[active] * slope[active]

        moved = active[good]
        s, y = trial[good] - x[moved], gradient[good] - g[moved]
        inverse[moved] = _updated(inverse[moved], s, y)
        settled[moved] = np.where(f[moved] - value[good] < limits.settled_decrease, settled[moved] + 1, 0)
        x[moved], f[moved], g[moved], cuts[moved] = trial[good], value[good], gradient[good], 0
        direction[moved], slope[moved], step[moved] = _directions(inverse[moved], g[moved], limits)

        stuck = active[~good]
        step[stuck] *= _cut(value[~good] - f[stuck], step[stuck] * slope[stuck], limits)
        cuts[stuck] += 1

        norms = np.abs(g[active]).max(axis=1)
        is_open = norms > np.where(settled[active] >= limits.settled_steps, limits.settled_flat, limits.flat)
        active = active[is_open & (cuts[active] < limits.most_cuts) & (evaluations[active] < limits.most_evaluations)]
    norms = np.abs(g).max(axis=1)
    # A line search that can go no further is at the floor of rounding; how flat it is there decides.
    is_settled = (settled >= limits.settled_steps) | (cuts >= limits.most_cuts)
    enough = np.where(is_settled, limits.settled_flat, limits.flat)
    return Minima(x, f, norms, np.isfinite(f) & (norms <= enough), evaluations)


def _directions(inverse: FloatArray, gradient: FloatArray, limits: Limits) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where to go, how steep it is there, and how far at first."""
    direction = -(inverse * gradient[:, None, :]).sum(axis=2)
    slope = (direction * gradient).sum(axis=1)
    longest = np.abs(direction).max(axis=1)
    return direction, slope, np.minimum(1.0, limits.longest_step / np.maximum(longest, 1e-300))


def _cut(rise: FloatArray, expected: FloatArray, limits: Limits) -> FloatArray:
    """By which factor a refused step becomes shorter: the minimum of the parabola through what is known."""
    with np.errstate(all="ignore"):
        factor = -expected / (2 * (rise - expected))
    return np.clip(np.where(np.isfinite(factor), factor, limits.shortest_cut), limits.shortest_cut, limits.longest_cut)


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
