"""The way up the likelihoods of many series."""

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray
from risk.quant.engine import Engine
from risk.quant.garch import loops
from risk.quant.garch.coordinates import SPACE
from risk.quant.garch.likelihood import Likelihood
from risk.quant.garch.variant import Innovation
from risk.quant.minimisation import Limits, minimise

LIMITS = Limits(flat=1e-4, settled_flat=1e-2)
"""Of the log-likelihood of returns of unit variance. A looser stop leaves one fit in 200 short."""

BASINS = (
    ((0.007, 0.985), (0.03, 0.96), (0.1, 0.88)),  # alpha, beta
    ((0.003, 0.95),),
    ((0.02, 0.8),),
    ((0.1, 0.6), (0.2, 0.7)),
    ((0.05, 0.1), (0.2, 0.1)),
)
"""Where searches begin: variances that last, that settle after their start, that hardly answer to a day, that pass,
and that hardly remember."""


def search(problem: Likelihood, mean: FloatArray, warm: FloatArray) -> tuple[FloatArray, BoolArray, IntArray]:
    """The best place found from `warm` where that is known, else from the likeliest places of a grid.

    The likelihood of a calm series has several tops (lasting, brief, hardly any memory). The search starts once from
    each basin whose best place of the grid is not hopelessly below the best of all, unless the memory is clear; one
    that ends nowhere flat starts from every basin.
    """
    return (_compiled if problem.engine is Engine.NUMBA else _in_steps)(problem, mean, warm)


def _in_steps(problem: Likelihood, mean: FloatArray, warm: FloatArray) -> tuple[FloatArray, BoolArray, IntArray]:
    """All series a step at a time."""
    size = len(mean)
    rows = np.arange(size)
    inverse_curvature = np.linalg.inv(problem.coordinates.curvature)
    point, height = np.full((size, problem.coordinates.size), np.nan), np.full(size, np.inf)
    is_flat = np.zeros(size, dtype=np.bool_)
    evaluations = np.zeros(size, dtype=np.int64)

    def climb(part: IntArray, start: FloatArray) -> None:
        found = minimise(
            lambda x, inner: problem(x, part[inner]),
            start,
            inverse_curvature=inverse_curvature / problem.sequences.size[part, None, None],
            limits=LIMITS,
        )
        evaluations[part] += found.evaluations
        better = np.isfinite(found.values) & (found.values < height[part])
        point[part[better]], height[part[better]] = found.points[better], found.values[better]
        is_flat[part[better]] = found.is_converged[better]

    known = np.flatnonzero(np.isfinite(warm).all(axis=1))
    if known.size:
        climb(known, warm[known])
    rows = np.flatnonzero(~is_flat)
    if not rows.size:
        return point, is_flat, evaluations
    places, heights = [], []
    for basin in BASINS:
        grid = [problem.coordinates.start(mean[rows], alpha, beta, len(rows)) for alpha, beta in basin]
        levels = np.stack([problem.height(place, rows) for place in grid])
        evaluations[rows] += len(grid)
        best = np.argmin(levels, axis=0)
        places.append(np.stack(grid)[best, np.arange(len(rows))])
        heights.append(levels[best, np.arange(len(rows))])
    order = np.argsort(np.stack(heights), axis=0, kind="stable")
    for rank in range(len(BASINS)):
        basin_of = order[rank]
        start = np.stack(places)[basin_of, np.arange(len(rows))]
        level = np.stack(heights)[basin_of, np.arange(len(rows))]
        rivals = (level < np.min(heights, axis=0) + SPACE.hopeless) & (heights[-1] < height[rows] + SPACE.clear_memory)
        worth = np.flatnonzero(~is_flat[rows] | rivals)
        if worth.size:
            climb(rows[worth], start[worth])
    return point, is_flat, evaluations


def _compiled(problem: Likelihood, mean: FloatArray, warm: FloatArray) -> tuple[FloatArray, BoolArray, IntArray]:
    """A series after the other in each of the lanes that run side by side."""
    from risk.quant.compiled import garch as compiled

    coordinates, prior, sequences = problem.coordinates, problem.prior, problem.sequences
    grid = [coordinates.start(0.0, alpha, beta, 1) for basin in BASINS for alpha, beta in basin]
    points = np.full((len(mean), coordinates.size), np.nan)
    is_flat = np.zeros(len(mean), dtype=np.bool_)
    evaluations = np.zeros(len(mean), dtype=np.int64)
    compiled.search(
        sequences.values,
        sequences.is_first,
        sequences.values.shape[1] - sequences.size,
        problem.backcasts,
        mean,
        warm,
        np.concatenate(grid),
        np.repeat(np.arange(len(BASINS)), [len(basin) for basin in BASINS]),
        np.linalg.inv(coordinates.curvature),
        np.empty((0, 0)) if prior is None else np.stack([prior.mean, prior.deviation]),
        coordinates.shares,
        coordinates.innovation is Innovation.STUDENT,
        SPACE,
        LIMITS,
        loops.BLOCK,
        compiled.LANES,
        points,
        is_flat,
        evaluations,
    )
    return points, is_flat, evaluations
