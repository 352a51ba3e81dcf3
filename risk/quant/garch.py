"""GARCH(1,1) and GJR by maximum likelihood over many series at once."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from risk.quant import garch_loops
from risk.quant.arrays import BoolArray, FloatArray, IntArray, LabelArray, medians
from risk.quant.engine import Engine, installed
from risk.quant.ewma import backcast
from risk.quant.minimisation import Limits, minimise
from risk.quant.returns import Sequences
from risk.quant.status import Status, is_ok, statuses

_STEP = 1e-4  # between the gradients that the observed information is made of

FEWEST = 100
"""Observations below which five parameters are not estimated."""

MOST_ZEROS = 0.2
"""Share of returns that are exactly zero. Beyond it the likelihood has no top: the variance goes to zero with them."""

LIMITS = Limits(flat=1e-4, settled_flat=1e-2)
"""Of the log-likelihood of returns of unit variance. A looser stop leaves one fit in 200 short."""


class Space(NamedTuple):
    """The bounds of the search, which numbers of floating point need, and which of its starts are worth a climb."""

    odds: float = 30.0
    """Of the logs of the shares, and below of that of the tail."""
    long_run: float = 15.0
    """Of its log, against the sample: a block of such variances multiplied is still a number."""
    tail: float = 6.2
    """Degrees of freedom up to 495: as good as normal."""
    least_degrees: float = 2.05
    hopeless: float = 3.5
    """A start so far below the best start, in log-likelihood, is not climbed from."""
    clear_memory: float = 20.0
    """Where the top found is so far above a start with hardly any memory, there is no other."""


SPACE = Space()
"""With these the search ended more than 1e-4 below the best of 32 starts in 1 of 2,000 simulated series of 1,000 days,
in 12 of 2,000 of 300 and 500 days, and in 2 of 590 real ones."""

LEAST_FLOOR = 1e-11
"""Of omega, against the variance of the sample. Among 577 fits of real and 3,000 of simulated series none was below
6e-10, and no share came within 5 of its bound; with long runs of equal prices both happen."""

BASINS = (
    ((0.007, 0.985), (0.03, 0.96), (0.1, 0.88)),  # alpha, beta
    ((0.003, 0.95),),
    ((0.02, 0.8),),
    ((0.1, 0.6), (0.2, 0.7)),
    ((0.05, 0.1), (0.2, 0.1)),
)
"""Where searches begin: variances that last, that settle after their start, that hardly answer to a day, that pass,
and that hardly remember."""
_CURVATURE = np.array(
    [
        [1.5, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.097, -0.029, 0.009, 0.029],
        [0.0, -0.029, 0.022, -0.01, -0.0085],
        [0.0, 0.009, -0.01, 0.0085, 0.0025],
        [0.0, 0.029, -0.0085, 0.0025, 0.026],
    ]
)
"""Second derivatives of minus the log-likelihood of an observation at the top, as they are on the whole for coins and
for simulated series: mean, log long run, log shares of alpha and beta, log tail. A search that begins with them takes a
sixth fewer steps."""


class Innovation(StrEnum):
    NORMAL = "normal"
    STUDENT = "student"


class Asymmetry(StrEnum):
    """Whether falls move the variance more than rises."""

    NONE = "none"
    GJR = "gjr"


@dataclass(frozen=True, slots=True)
class Prior:
    """What other series say of persistence and tail, for those too short to say it themselves: normal, in the
    coordinates of the search."""

    mean: FloatArray
    deviation: FloatArray


@dataclass(frozen=True, slots=True)
class GarchFit:
    """s_t = omega + (alpha + gamma [e < 0]) e_{t-1}^2 + beta s_{t-1} with r_t = mean + e_t; a value a series.

    NaN wherever the status is not OK. `log_likelihood` is that of the returns as given, without the prior.
    """

    mean: FloatArray
    omega: FloatArray
    alpha: FloatArray
    gamma: FloatArray
    beta: FloatArray
    degrees_of_freedom: FloatArray
    """Infinite for normal innovations."""
    log_likelihood: FloatArray
    backcast: FloatArray
    """The variance before the first return, part of the likelihood's definition."""
    coordinates: FloatArray
    """Where the search ended: the start of tomorrow's."""
    evaluations: IntArray
    status: LabelArray
    is_given: BoolArray
    """Whether another search than this one found the parameters."""
    innovation: Innovation
    asymmetry: Asymmetry
    engine: Engine

    def replaced(self, rows: IntArray, others: "GarchFit") -> "GarchFit":
        """The same with other fits of the same kind in these rows."""
        arrays = {}
        for name in _PER_SERIES:
            arrays[name] = getattr(self, name).copy()
            arrays[name][rows] = getattr(others, name)
        return replace(self, **arrays)

    @property
    def persistence(self) -> FloatArray:
        return self.alpha + 0.5 * self.gamma + self.beta

    @property
    def long_run_variance(self) -> FloatArray:
        return self.omega / (1 - self.persistence)


_PER_SERIES = (
    *("mean", "omega", "alpha", "gamma", "beta", "degrees_of_freedom"),
    *("log_likelihood", "backcast", "coordinates", "evaluations", "status", "is_given"),
)


@dataclass(frozen=True, slots=True)
class Filtered:
    """The variances of given returns under given parameters, aligned as the returns are."""

    variances: FloatArray
    residuals: FloatArray
    """Standardised; NaN before the first return."""
    next_variance: FloatArray


@dataclass(frozen=True, slots=True)
class Expansion:
    """Of a log-likelihood without a prior, in the coordinates of the search; NaN where there is no fit."""

    slope: FloatArray
    """Series x coordinates: not zero where a prior has drawn the fit from the likelihood's own top."""
    information: FloatArray
    """Series x coordinates x coordinates: minus the second derivatives."""


@dataclass(frozen=True, slots=True)
class _Coordinates:
    """The unconstrained search space: mean, log long-run variance, log shares of persistence against what is left to
    one, log tail. With the long run apart from the memory a series without memory has a flat top instead of a ridge."""

    innovation: Innovation
    asymmetry: Asymmetry

    @property
    def shares(self) -> int:
        return 2 if self.asymmetry is Asymmetry.NONE else 3

    @property
    def size(self) -> int:
        return 2 + self.shares + (self.innovation is Innovation.STUDENT)

    @property
    def curvature(self) -> FloatArray:
        """Of the likelihood of one observation, where the search begins."""
        size = len(_CURVATURE) - (self.innovation is Innovation.NORMAL)
        curvature: FloatArray = _CURVATURE[:size, :size]
        if self.shares == 2:
            return curvature
        # Both halves of alpha move together as alpha does, and against each other about as easily.
        both = np.insert(np.eye(size), 2, 0.0, axis=1)
        both[2, 2:4] = 0.5
        return np.asarray(both.T @ curvature @ both + np.diag([0.0, 0.0, 0.01, 0.01, *[0.0] * (size - 3)]))

    def start(self, mean: float | FloatArray, alpha: float, beta: float, size: int) -> FloatArray:
        x = np.empty((size, self.size))
        left = 1 - alpha - beta
        x[:, 0], x[:, 1] = mean, 0.0
        parts = [alpha, beta] if self.shares == 2 else [0.5 * alpha, 0.5 * alpha, beta]
        x[:, 2 : 2 + self.shares] = np.log(np.array(parts) / left)
        if self.innovation is Innovation.STUDENT:
            x[:, -1] = np.log(5.0 - SPACE.least_degrees)
        return x

    def parameters(self, x: FloatArray) -> FloatArray:
        """Mean, omega, alpha, gamma, beta, degrees of freedom; a row a series."""
        share = self._share(x)
        alpha, gamma, beta = self._split(share)
        if self.innovation is Innovation.STUDENT:
            nu = SPACE.least_degrees + np.exp(np.clip(x[:, -1], -SPACE.odds, SPACE.tail))
        else:
            nu = np.full(len(x), np.inf)
        omega = np.exp(np.clip(x[:, 1], -SPACE.long_run, SPACE.long_run)) * (1 - share.sum(axis=1))
        return np.column_stack([x[:, 0], omega, alpha, gamma, beta, nu])

    def gradient(self, x: FloatArray, parameters: FloatArray, by_parameter: FloatArray) -> FloatArray:
        """The chain rule from parameters to coordinates; nothing moves beyond a bound."""
        share = self._share(x)
        by_alpha, by_gamma, by_beta = by_parameter[:, 2], by_parameter[:, 3], by_parameter[:, 4]
        if self.shares == 2:
            by_share = np.column_stack([by_alpha, by_beta])
        else:
            by_share = np.column_stack([2 * (by_alpha - by_gamma), 2 * by_gamma, by_beta])
        g = np.empty_like(x)
        g[:, 0] = by_parameter[:, 0]
        by_long_run = by_parameter[:, 1] * parameters[:, 1]
        g[:, 1] = by_long_run * (np.abs(x[:, 1]) < SPACE.long_run)
        drift = (share * by_share).sum(axis=1) + by_long_run
        inside = np.abs(x[:, 2 : 2 + self.shares]) < SPACE.odds
        g[:, 2 : 2 + self.shares] = share * (by_share - drift[:, None]) * inside
        if self.innovation is Innovation.STUDENT:
            g[:, -1] = (
                by_parameter[:, 5]
                * (parameters[:, 5] - SPACE.least_degrees)
                * ((x[:, -1] > -SPACE.odds) & (x[:, -1] < SPACE.tail))
            )
        return g

    def _share(self, x: FloatArray) -> FloatArray:
        odds = np.exp(np.clip(x[:, 2 : 2 + self.shares], -SPACE.odds, SPACE.odds))
        return np.asarray(odds / (1 + odds.sum(axis=1))[:, None])

    def _split(self, share: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        if self.shares == 2:
            return share[:, 0], np.zeros(len(share)), share[:, 1]
        return 2 * share[:, 0], 2 * (share[:, 1] - share[:, 0]), share[:, 2]


def fit(
    sequences: Sequences,
    *,
    innovation: Innovation = Innovation.STUDENT,
    asymmetry: Asymmetry = Asymmetry.NONE,
    prior: Prior | None = None,
    warm: GarchFit | None = None,
    fewest: int = FEWEST,
    engine: Engine | None = None,
) -> GarchFit:
    """Maximum likelihood (Bollerslev 1986, 1987; Glosten, Jagannathan and Runkle 1993), with a constant mean.

    Alpha, alpha + gamma and beta are not negative and the persistence is below one. `warm` is an earlier fit of the
    same series, for a shorter search: it ends on the top next to it, which need not be the highest, so what must be
    computed again to the same bits starts without. `prior` adds a penalty for series too short to know their own
    persistence. A search that does not reach a flat place starts again elsewhere before it is given up.
    """
    engine = engine or installed()
    coordinates = _Coordinates(innovation, asymmetry)
    size = len(sequences.size)
    real = np.maximum(sequences.size, 1)
    mean = sequences.values.sum(axis=1) / real
    spread = np.sqrt(np.where(sequences.is_real, (sequences.values - mean[:, None]) ** 2, 0.0).sum(axis=1) / real)
    zeros = np.count_nonzero(sequences.is_real & (sequences.values == 0), axis=1)
    status = statuses(
        (Status.TOO_FEW_OBSERVATIONS, sequences.size < fewest),
        (Status.CONSTANT, spread <= 1e-12 * np.abs(sequences.values).max(axis=1, initial=0.0)),
        (Status.STALE, zeros > MOST_ZEROS * sequences.size),
        size=size,
    )
    usable = np.flatnonzero(is_ok(status))
    part = sequences.take(usable)
    scale = spread[usable]
    unit = Sequences(part.values / scale[:, None], part.is_first, part.size)
    problem = _Likelihood(unit, coordinates, backcast(unit, mean[usable] / scale), prior, engine)
    known = np.full((len(usable), coordinates.size), np.nan) if warm is None else warm.coordinates[usable]
    x, is_converged, evaluations = _search(problem, mean[usable] / scale, known)
    is_converged &= _has_floor(x, coordinates)
    status[usable[~is_converged]] = Status.NOT_CONVERGED

    parameters = np.full((size, 6), np.nan)
    likelihood, before, ended = np.full(size, np.nan), np.full(size, np.nan), np.full((size, coordinates.size), np.nan)
    found = usable[is_converged]
    scale = scale[is_converged]
    values = coordinates.parameters(x[is_converged])
    rows = np.flatnonzero(is_converged)
    likelihood[found] = problem.log_likelihood(values, rows)[0] - unit.size[rows] * np.log(scale)
    values[:, 0] *= scale
    values[:, 1] *= scale**2
    parameters[found] = values
    before[found] = problem.backcasts[rows] * scale**2
    ended[found] = x[is_converged]
    tried = np.zeros(size, dtype=np.int64)
    tried[usable] = evaluations
    mu, omega, alpha, gamma, beta, nu = parameters.T
    return GarchFit(
        mu,
        omega,
        alpha,
        gamma,
        beta,
        nu,
        likelihood,
        before,
        ended,
        tried,
        status,
        np.zeros(size, dtype=np.bool_),
        innovation,
        asymmetry,
        engine,
    )


def _has_floor(x: FloatArray, coordinates: _Coordinates) -> BoolArray:
    """Whether the variance cannot vanish at the place of a search.

    Runs of equal prices lift a likelihood without end as the variance goes to zero with them; it is no top.
    """
    with np.errstate(invalid="ignore"):
        is_inside = (x[:, 2 : 2 + coordinates.shares] < SPACE.odds).all(axis=1)
        return np.asarray(is_inside & (coordinates.parameters(x)[:, 1] > LEAST_FLOOR), dtype=np.bool_)


def given(sequences: Sequences, fits: GarchFit, row: int, parameters: FloatArray) -> GarchFit:
    """The fits, but in this row GARCH-t with what another search has found: mean, omega, alpha, beta and degrees of
    freedom, in the unit of the returns. As they are where that is outside of this model."""
    mean, omega, alpha, beta, nu = np.asarray(parameters, dtype=np.float64).tolist()
    left = 1 - alpha - beta
    if not (omega > 0 and left > 0 and nu > SPACE.least_degrees):
        return fits
    least = np.exp(-SPACE.odds)  # a share of nothing has no logarithm
    part = sequences.take(np.array([row]))
    centre, scale = float(part.values[part.is_real].mean()), float(part.values[part.is_real].std())
    odds = np.log(np.maximum([alpha / left, beta / left], least))
    place = np.array([[mean / scale, np.log(omega / left / scale**2), *odds, np.log(nu - SPACE.least_degrees)]])
    coordinates = _Coordinates(fits.innovation, fits.asymmetry)
    if not _has_floor(place, coordinates)[0]:
        return fits
    unit = Sequences(part.values / scale, part.is_first, part.size)
    problem = _Likelihood(
        unit,
        coordinates,
        backcast(unit, np.array([centre / scale])),
        None,
        fits.engine,
    )
    values = parameters_at(place)
    likelihood = problem.log_likelihood(values, np.arange(1))[0] - unit.size * np.log(scale)
    mu, omegas, alphas, gammas, betas, tails = (values * [scale, scale**2, 1, 1, 1, 1]).T
    found = replace(
        fits,
        mean=mu,
        omega=omegas,
        alpha=alphas,
        gamma=gammas,
        beta=betas,
        degrees_of_freedom=tails,
        log_likelihood=likelihood,
        backcast=problem.backcasts * scale**2,
        coordinates=place,
        evaluations=fits.evaluations[[row]],
        status=np.array([Status.OK], dtype=object),
        is_given=np.ones(1, dtype=np.bool_),
    )
    return fits.replaced(np.array([row]), found)


def pooled_prior(fits: GarchFit) -> Prior:
    """From the fits of long series: median and robust spread of the coordinates of persistence and tail."""
    return prior_from(fits.coordinates[is_ok(fits.status)])


def prior_from(coordinates: FloatArray) -> Prior:
    """The same from where the searches ended."""
    known = coordinates[:, 2:].T
    mean = medians(known)
    deviation = 1.4826 * medians(np.abs(known - mean[:, None]))
    return Prior(mean, np.maximum(deviation, 0.1))


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


def expansion(sequences: Sequences, fits: GarchFit) -> Expansion:
    """The log-likelihood of the returns around the place where each search ended, to the second order.

    The information is made of differences of the exact gradient, one a coordinate for all series together; whether a
    step is made ahead alone or behind as well changes its fourth digit.
    """
    coordinates = _Coordinates(fits.innovation, fits.asymmetry)
    rows = np.flatnonzero(is_ok(fits.status))
    place = fits.coordinates[rows]
    part = sequences.take(rows)
    scale = np.sqrt(fits.omega[rows] / coordinates.parameters(place)[:, 1])
    unit = Sequences(part.values / scale[:, None], part.is_first, part.size)
    problem = _Likelihood(unit, coordinates, fits.backcast[rows] / scale**2, None, fits.engine)
    slope = np.full((len(sequences.size), coordinates.size), np.nan)
    information = np.full((len(sequences.size), coordinates.size, coordinates.size), np.nan)
    everybody = np.arange(rows.size)
    here = problem(place, everybody)[1]
    slope[rows] = -here
    for coordinate, step in enumerate(_STEP * np.eye(coordinates.size)):
        information[rows, coordinate] = (problem(place + step, everybody)[1] - here) / _STEP
    return Expansion(slope, 0.5 * (information + information.transpose(0, 2, 1)))


def parameters_at(places: FloatArray) -> FloatArray:
    """Mean, omega, alpha, gamma, beta and degrees of freedom of GARCH-t at places of the search; a row a place."""
    return _Coordinates(Innovation.STUDENT, Asymmetry.NONE).parameters(places)


def _search(problem: "_Likelihood", mean: FloatArray, warm: FloatArray) -> tuple[FloatArray, BoolArray, IntArray]:
    """The best place found from `warm` where that is known, else from the likeliest places of a grid.

    The likelihood of a calm series has several tops (lasting, brief, hardly any memory). The search starts once from
    each basin whose best place of the grid is not hopelessly below the best of all, unless the memory is clear; one
    that ends nowhere flat starts from every basin.
    """
    return (_compiled_search if problem.engine is Engine.NUMBA else _search_in_steps)(problem, mean, warm)


def _search_in_steps(
    problem: "_Likelihood", mean: FloatArray, warm: FloatArray
) -> tuple[FloatArray, BoolArray, IntArray]:
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


def _compiled_search(
    problem: "_Likelihood", mean: FloatArray, warm: FloatArray
) -> tuple[FloatArray, BoolArray, IntArray]:
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
        garch_loops.BLOCK,
        compiled.LANES,
        points,
        is_flat,
        evaluations,
    )
    return points, is_flat, evaluations


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """Minus the penalised log-likelihood of series of unit variance, with its gradient."""

    sequences: Sequences
    coordinates: _Coordinates
    backcasts: FloatArray
    prior: Prior | None
    engine: Engine

    def __call__(self, x: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        parameters = self.coordinates.parameters(x)
        value, by_parameter = self.log_likelihood(parameters, rows)
        gradient = self.coordinates.gradient(x, parameters, by_parameter)
        if self.prior is not None:
            distance = (x[:, 2:] - self.prior.mean) / self.prior.deviation
            value = value - 0.5 * (distance**2).sum(axis=1)
            gradient[:, 2:] -= distance / self.prior.deviation
        return -value, -gradient

    def height(self, x: FloatArray, rows: IntArray) -> FloatArray:
        """Minus the log-likelihood alone, at not much more than half the work."""
        height = -self.log_likelihood(self.coordinates.parameters(x), rows, with_gradient=False)[0]
        return np.where(np.isfinite(height), height, np.inf)

    def log_likelihood(
        self, parameters: FloatArray, rows: IntArray, *, with_gradient: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """With the gradient by mean, omega, alpha, gamma, beta and degrees of freedom."""
        start = self.sequences.values.shape[1] - self.sequences.size
        is_student = self.coordinates.innovation is Innovation.STUDENT
        if self.engine is Engine.NUMBA:
            from risk.quant.compiled import garch as compiled

            found, gradient = np.empty(len(rows)), np.empty((len(rows) if with_gradient else 0, 6))
            compiled.likelihoods(
                self.sequences.values,
                self.sequences.is_first,
                start,
                rows,
                parameters,
                self.backcasts,
                is_student,
                garch_loops.BLOCK,
                compiled.LANES,
                found,
                gradient,
            )
            return found, gradient
        run = garch_loops.student if is_student else garch_loops.normal
        sums, gradient = run(
            self.sequences.values, self.sequences.is_first, start, rows, parameters, self.backcasts, with_gradient
        )
        size = self.sequences.size[rows].astype(np.float64)
        log_variance, log_density, share, pull = sums
        if not is_student:
            if with_gradient:
                gradient[:, 0] = pull - 2 * gradient[:, 0]
            return -0.5 * (size * np.log(2 * np.pi) + log_variance + share), gradient
        nu = parameters[:, 5]
        half, tail = 0.5 * (nu + 1), nu - 2
        constant = gammaln(half) - gammaln(0.5 * nu) - 0.5 * np.log(np.pi * tail) + half * np.log(tail)
        if with_gradient:
            slope = 0.5 * (digamma(half) - digamma(0.5 * nu) - 1 / tail + np.log(tail)) + half / tail
            gradient[:, 0] = (nu + 1) * pull - 2 * gradient[:, 0]
            gradient[:, 5] = size * slope + 0.5 * (log_variance - log_density) - half * share
        return size * constant + 0.5 * nu * log_variance - half * log_density, gradient
