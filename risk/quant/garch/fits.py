"""The parameters that make returns likeliest."""

from dataclasses import dataclass, replace

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray, LabelArray
from risk.quant.engine import Engine, installed
from risk.quant.ewma import backcast
from risk.quant.garch.coordinates import SPACE, Coordinates
from risk.quant.garch.likelihood import Likelihood
from risk.quant.garch.prior import Prior
from risk.quant.garch.search import search
from risk.quant.garch.variant import Asymmetry, Innovation
from risk.quant.returns import Sequences
from risk.quant.status import Status, is_ok, statuses

FEWEST = 100
"""Observations below which five parameters are not estimated."""

MOST_ZEROS = 0.2
"""Share of returns that are exactly zero. Beyond it the likelihood has no top: the variance goes to zero with them."""


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
    coordinates = Coordinates(innovation, asymmetry)
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
    scale = spread[usable]
    unit = sequences.take(usable).divided(scale)
    problem = Likelihood(unit, coordinates, backcast(unit, mean[usable] / scale), prior, engine)
    known = np.full((len(usable), coordinates.size), np.nan) if warm is None else warm.coordinates[usable]
    places, is_converged, evaluations = search(problem, mean[usable] / scale, known)
    is_converged &= coordinates.has_floor(places)
    status[usable[~is_converged]] = Status.NOT_CONVERGED
    tried = np.zeros(size, dtype=np.int64)
    tried[usable] = evaluations
    rows = np.flatnonzero(is_converged)
    found = _at(places[rows], problem, rows, scale=scale[rows], evaluations=evaluations[rows], is_given=False)
    return _nowhere(problem, status, tried).replaced(usable[rows], found)


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
    coordinates = Coordinates(fits.innovation, fits.asymmetry)
    if not coordinates.has_floor(place)[0]:
        return fits
    unit = part.divided(np.array([scale]))
    problem = Likelihood(unit, coordinates, backcast(unit, np.array([centre / scale])), None, fits.engine)
    tried = fits.evaluations[[row]]
    found = _at(place, problem, np.arange(1), scale=np.array([scale]), evaluations=tried, is_given=True)
    return fits.replaced(np.array([row]), found)


def _at(
    places: FloatArray,
    problem: Likelihood,
    rows: IntArray,
    *,
    scale: FloatArray,
    evaluations: IntArray,
    is_given: bool,
) -> GarchFit:
    """The fits of these rows of a likelihood at these places of its search; `scale` is what the returns were divided
    by."""
    parameters = problem.coordinates.parameters(places)
    log_likelihood = problem.log_likelihood(parameters, rows)[0] - problem.sequences.size[rows] * np.log(scale)
    mean, omega, alpha, gamma, beta, nu = parameters.T
    return replace(
        _nowhere(problem, statuses(size=len(rows)), evaluations),
        mean=mean * scale,
        omega=omega * scale**2,
        alpha=alpha,
        gamma=gamma,
        beta=beta,
        degrees_of_freedom=nu,
        log_likelihood=log_likelihood,
        backcast=problem.backcasts[rows] * scale**2,
        coordinates=places,
        is_given=np.full(len(rows), is_given),
    )


def _nowhere(problem: Likelihood, status: LabelArray, evaluations: IntArray) -> GarchFit:
    """Series without a fit."""
    nothing = np.full(len(status), np.nan)
    return GarchFit(
        mean=nothing,
        omega=nothing,
        alpha=nothing,
        gamma=nothing,
        beta=nothing,
        degrees_of_freedom=nothing,
        log_likelihood=nothing,
        backcast=nothing,
        coordinates=np.full((len(status), problem.coordinates.size), np.nan),
        evaluations=evaluations,
        status=status,
        is_given=np.zeros(len(status), dtype=np.bool_),
        innovation=problem.coordinates.innovation,
        asymmetry=problem.coordinates.asymmetry,
        engine=problem.engine,
    )
