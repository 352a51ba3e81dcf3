"""How far an asset's estimates may be from what they estimate: the error of estimation, not of what is yet to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np

from risk.quant import garch
from risk.quant.arrays import FloatArray, IntArray, LabelArray
from risk.quant.distributions import student_quantile, student_shortfall
from risk.quant.engine import Engine, installed
from risk.quant.ewma import FEWEST, weigh_falls
from risk.quant.garch import Filtered, GarchFit, Prior
from risk.quant.har import Har
from risk.quant.histories import Histories, Places, live
from risk.quant.random_numbers import Stream
from risk.quant.returns import Sequences
from risk.quant.status import is_ok
from risk.quant.tail_risk import Method, Pool, Simulation, TailRisk

DRAWS = 200
DAYS = 250
"""Of a simulated history: by then even the slowest average has forgotten what was before."""
LONG_RUN_DEVIATION = 2.0
"""Of the log of a fit's long-run variance around that of the sample, where the likelihood hardly says where it is."""
ESTIMATES = ("volatility", "recent_volatility", "lasting_volatility", "expected_shortfall")
"""Whose errors are drawn, by their names in `features.FEATURES`."""
_POOL = 1_000  # quantiles that stand for a law
_COORDINATES = 5
_TAIL, _WIDTH = 5, 6
_GRID = np.linspace(-6.0, 6.2, 123)
"""Coordinates of the tail between whose losses those of others lie."""


class Basis(StrEnum):
    """Whose dynamics the histories of an asset were simulated with."""

    FITTED = "fitted"
    """Its own, with the uncertainty of its own likelihood."""
    POOLED = "pooled"
    """Those of other assets' long series, for want of a fit of its own."""
    NONE = "no_dynamics"
    """Neither is known, so that nothing is said."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The random numbers that all assets of a run share: each has the same errors in any company."""

    places: Places
    """`DAYS` x `DRAWS`, below 2^31: which residual is drawn, as a share of how many there are."""
    normals: FloatArray
    """Of the coordinates, the tail and the width, x `DRAWS`."""

    @classmethod
    def of(cls, seed: int) -> "Bootstrap":
        """From a seed of 64 bits."""
        places = Stream(seed).integers(1 << 31, (DAYS, DRAWS)).astype(np.uint64)
        return cls(places, Stream(seed, 1).normals((_COORDINATES + 2, DRAWS)))


@dataclass(frozen=True, slots=True)
class Errors:
    """Log of the estimate less log of what it estimates, assets x `ESTIMATES` x draws; NaN where nothing is known."""

    logs: FloatArray
    basis: LabelArray
    tails: FloatArray
    """Assets x levels x (value at risk, expected shortfall): standard errors, as shares of what they belong to."""

    @property
    def standard_errors(self) -> FloatArray:
        """Assets x `ESTIMATES`: the standard deviation over the draws."""
        return np.asarray(self.logs.std(axis=2, ddof=1))

    def quantiles(self, weights: FloatArray, levels: Sequence[float]) -> FloatArray:
        """Assets x levels, of the sum of the errors in `weights`; what could not be estimated is no part of a sum.

        The (n + 1) p-th smallest, between two draws in proportion: Hyndman and Fan (1996), American Statistician 50.
        """
        together = np.zeros((len(self.logs), DRAWS))
        for weight, error in zip(weights.tolist(), self.logs.transpose(1, 0, 2), strict=True):
            together += weight * np.nan_to_num(error)
        ordered = np.sort(together, axis=1)
        place = (DRAWS + 1) * np.array(levels) - 1
        below = np.floor(place).astype(np.int64)
        found = ordered[:, below] + (place - below) * (ordered[:, below + 1] - ordered[:, below])
        return np.where(np.isnan(self.logs[:, :1, 0]), np.nan, found)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of some assets by the estimates themselves; a row an asset."""

    sequences: Sequences
    """Winsorised returns."""
    fits: GarchFit
    filtered: Filtered
    """Its residuals are those of what happened."""
    autoregression: Har
    tails: tuple[TailRisk, ...]
    level: float
    """The one of these whose expected shortfall is one of `ESTIMATES`."""
    by_asymmetric: Simulation
    by_garch: Simulation
    """What the tails are made of."""
    pool: Pool
    """Other assets' tails, which stand for those of short histories."""


def errors(known: Known, *, prior: Prior | None, bootstrap: Bootstrap, engine: Engine | None = None) -> Errors:
    """A parametric bootstrap by filtered historical simulation, with a redraw of the parameters for each history.

    Parameters come from the normal law around the fit whose precision is the observed information and that of the
    prior together (Gelman et al. 2013, Bayesian Data Analysis, 4.1); a history is the last `DAYS` of the asset lived
    again under them, its residuals drawn with replacement (Pascual, Romo and Ruiz 2006, Computational Statistics and
    Data Analysis 50). Each estimate is made of the history as it was made of the returns, with the parameters that
    were fitted, and compared with the volatility ahead that the drawn parameters make of the same history. A naive
    bootstrap of the returns would lose the memory of the variance and cover far too little.
    """
    size = len(known.sequences.size)
    logs = np.full((size, len(ESTIMATES), DRAWS), np.nan)
    basis = np.full(size, Basis.NONE, dtype=object)
    tails = np.full((size, len(known.tails), 2), np.nan)
    if prior is None:
        return Errors(logs, basis, tails)
    engine = engine or installed()
    own, centres, factors = _identified(known, prior)
    others = np.setdiff1d(np.flatnonzero(known.sequences.size >= FEWEST), own)
    of_residuals = _of_residuals(known)
    if own.size:
        redraw = _fitted(known, own, centres, factors, bootstrap)
        logs[own], tails[own] = _logs(known, own, redraw, of_residuals[own], bootstrap, engine)
        basis[own] = Basis.FITTED
    if others.size:
        redraw = _pooled(known, others, prior, bootstrap)
        logs[others], tails[others] = _logs(known, others, redraw, of_residuals[others], bootstrap, engine)
        basis[others] = Basis.POOLED
    return Errors(logs, basis, tails)


@dataclass(frozen=True, slots=True)
class _Redraw:
    """Histories under drawn parameters, and what else is drawn, assets x draws."""

    histories: Histories
    width: FloatArray
    """Log of the mean square of what happens, against that of the winsorised returns which the variance learns from."""
    tail: FloatArray
    """The coordinate of the tail."""
    fitted_tail: FloatArray
    """The same as it was fitted, a value an asset."""


def _identified(known: Known, prior: Prior) -> tuple[IntArray, FloatArray, FloatArray]:
    """Who has a fit with a curved top; for these the centre of the law of the parameters, and the root of its
    covariance.

    A step of Newton leads from where the search ended to the top of likelihood and prior together.
    """
    around = garch.expansion(known.sequences, known.fits)
    centre = np.concatenate([[0.0, 0.0], prior.mean])
    precision = np.concatenate([[0.0, LONG_RUN_DEVIATION**-2], prior.deviation**-2])
    both = around.information + np.diag(precision)
    rows = np.flatnonzero(np.isfinite(both).all(axis=(1, 2)))
    rows = rows[np.linalg.eigvalsh(both[rows])[:, 0] > 0]
    covariance = np.linalg.inv(both[rows])
    place = known.fits.coordinates[rows]
    slope = around.slope[rows] - precision * (place - centre)
    return rows, place + (covariance * slope[:, None, :]).sum(axis=2), np.linalg.cholesky(covariance)


def _fitted(known: Known, rows: IntArray, centres: FloatArray, factors: FloatArray, bootstrap: Bootstrap) -> _Redraw:
    """Of assets with a fit of their own: its residuals, its parameters and the likelihood's doubts of them."""
    fits, width = known.fits, known.sequences.values.shape[1]
    places = np.repeat(centres[:, :, None], DRAWS, axis=2)
    for column in range(_COORDINATES):
        # Added one by one: what comes out must not depend on who else is in the batch.
        places += factors[:, :, column, None] * bootstrap.normals[column]
    own = np.column_stack([fits.omega[rows], fits.alpha[rows], fits.beta[rows]])
    scale = own[:, 0] / garch.parameters_at(fits.coordinates[rows])[:, 1]
    variances = known.filtered.variances[rows]
    is_real = known.sequences.is_real[rows]
    winsorised = (known.sequences.values[rows] - fits.mean[rows, None]) / np.sqrt(variances)
    number = known.sequences.size[rows]
    middle = np.where(is_real, winsorised, 0.0).sum(axis=1) / number
    winsorised = np.where(is_real, winsorised - middle[:, None], 0.0)
    happened = np.where(is_real, known.filtered.residuals[rows] - middle[:, None], 0.0)
    squares = np.stack([winsorised**2, happened**2, weigh_falls(winsorised) ** 2], axis=1)
    squares /= (squares[:, 0].sum(axis=1) / number)[:, None, None]
    days = np.minimum(number, DAYS)
    start = variances[np.arange(rows.size), width - days]
    histories = Histories(squares, number, _dynamics(places, scale), own, start, days)
    mean, spread = (power.sum(axis=1) / number for power in (squares[:, 1], squares[:, 1] ** 2))
    # It is a mean of so many squares, and known no better.
    doubt = np.sqrt((spread / mean**2 - 1) / number)
    width = np.log(mean)[:, None] + doubt[:, None] * bootstrap.normals[_WIDTH]
    return _Redraw(histories, width, places[:, -1], fits.coordinates[rows, -1])


def _pooled(known: Known, rows: IntArray, prior: Prior, bootstrap: Bootstrap) -> _Redraw:
    """Of assets without one: the parameters of other assets around their own variance, and Student's residuals."""
    centre = np.concatenate([[0.0, 0.0], prior.mean])
    # Averages of squares are wrong by the same share at any level of the variance, so that it need not be drawn.
    deviation = np.concatenate([[0.0, 0.0], prior.deviation])
    places = np.repeat((centre[:, None] + deviation[:, None] * bootstrap.normals[:_COORDINATES])[None], rows.size, 0)
    number = known.sequences.size[rows]
    scale = (known.sequences.values[rows] ** 2).sum(axis=1) / number
    parameters = garch.parameters_at(centre[None])[0]
    levels = (np.arange(_POOL) + 0.5) / _POOL
    residuals = student_quantile(levels, parameters[5])
    pool = np.stack([residuals**2, residuals**2, weigh_falls(residuals) ** 2])
    pool /= pool[0].mean()
    histories = Histories(
        np.tile(pool, (rows.size, 1, 1)),
        np.full(rows.size, _POOL),
        _dynamics(places, scale),
        parameters[[1, 2, 4]] * np.column_stack([scale, np.ones((rows.size, 2))]),
        scale,
        np.minimum(number, DAYS),
    )
    return _Redraw(histories, np.zeros((rows.size, DRAWS)), places[:, -1], np.full(rows.size, centre[-1]))


def _dynamics(places: FloatArray, scale: FloatArray) -> FloatArray:
    """Assets x (omega, alpha, beta) x draws at these places of the search, of returns with this variance."""
    flat = places.transpose(0, 2, 1).reshape(-1, _COORDINATES)
    drawn = garch.parameters_at(flat).reshape(len(places), DRAWS, -1)[:, :, [1, 2, 4]].transpose(0, 2, 1).copy()
    drawn[:, 0] *= scale[:, None]
    return drawn


def _logs(
    known: Known,
    rows: IntArray,
    redraw: _Redraw,
    of_residuals: FloatArray,
    bootstrap: Bootstrap,
    engine: Engine,
) -> tuple[FloatArray, FloatArray]:
    """Assets x `ESTIMATES` x draws, and assets x levels x (value at risk, expected shortfall)."""
    lived = live(redraw.histories, bootstrap.places, engine=engine)
    truth, tomorrow = np.log(lived.ahead) + redraw.width, np.log(lived.variance)
    recent, lasting = np.log(lived.recent), np.log(lived.lasting)
    coefficients = known.autoregression.coefficients[rows]
    monthly = coefficients[:, :1].repeat(DRAWS, axis=1)
    for place, window in enumerate(lived.windows):
        monthly += coefficients[:, place + 1, None] * _log(window)
    has_fit = is_ok(known.fits.status[rows])[:, None]
    estimates = np.stack([recent, lasting, monthly, np.where(has_fit, np.log(lived.believed_ahead), np.nan)])
    is_known = ~np.isnan(estimates)
    combined = np.where(is_known, estimates - truth, 0.0).sum(axis=0) / is_known.sum(axis=0)
    volatilities = [0.5 * error for error in (combined, np.log(lived.actual) - truth, lasting - truth)]
    asymmetric, believed = np.log(lived.asymmetric) - tomorrow, np.log(lived.believed) - tomorrow
    tail, errors = _tails(known, rows, redraw, asymmetric, believed, of_residuals, bootstrap)
    return np.stack([*volatilities, tail], axis=1), errors


def _of_residuals(known: Known) -> FloatArray:
    """Assets x levels x (value at risk, expected shortfall): the errors of the residuals' tails, as shares of them.

    Of a tail that is that of others the error is how far apart theirs are.
    """
    errors = np.empty((len(known.sequences.size), len(known.tails), 2))
    for place, tail in enumerate(known.tails):
        by_asymmetric, by_garch = (model.errors(level=tail.level) for model in (known.by_asymmetric, known.by_garch))
        of_peers = known.pool.quantile_deviation[place], known.pool.deviation[place]
        for column, peers in enumerate(of_peers):
            own = np.where(tail.method == Method.COMBINED, by_garch[column], by_asymmetric[column])
            errors[:, place, column] = np.where(tail.method == Method.ASYMMETRIC_POOLED, peers, own)
    return errors


def _tails(
    known: Known,
    rows: IntArray,
    redraw: _Redraw,
    asymmetric: FloatArray,
    fitted: FloatArray,
    of_residuals: FloatArray,
    bootstrap: Bootstrap,
) -> tuple[FloatArray, FloatArray]:
    """The errors of the losses of one day, given those of the log variances of that day: drawn of the expected
    shortfall at the level that is asked for, the standard ones of every level.

    Of each of the three that a combination is the mean of it is half the error of the log variance, and that of the
    tail of the residuals, or of Student's t with the tail that was drawn.
    """
    # Residuals are as much too large as the variances that they are divided by are too small on the whole.
    simulated = 0.5 * (asymmetric - asymmetric.mean(axis=1)[:, None])
    mean_of_three = (simulated + fitted) / 3
    normals = bootstrap.normals[_TAIL]
    drawn = np.empty(0)
    errors = np.empty_like(of_residuals)
    for place, tail in enumerate(known.tails):
        both = np.flatnonzero(tail.method[rows] == Method.COMBINED)
        for column in range(2):
            error = of_residuals[:, place, column, None] * normals
            logs = simulated + error
            if both.size:
                student = _of_student(column, tail.level, redraw.fitted_tail[both, None])
                student = student - _of_student(column, tail.level, redraw.tail[both])
                logs[both] = mean_of_three[both] + (2 * error[both] + student) / 3
            errors[:, place, column] = logs.std(axis=1, ddof=1)
            if column and tail.level == known.level:
                drawn = logs
    return drawn, errors


def _of_student(column: int, level: float, coordinates: FloatArray) -> FloatArray:
    """The log of the value at risk or of the expected shortfall of Student's t of unit variance, by the coordinate of
    its tail."""
    heights = _heights(level)[column]
    place = np.clip((coordinates - _GRID[0]) / (_GRID[1] - _GRID[0]), 0.0, _GRID.size - 1.0)
    below = np.minimum(place.astype(np.int64), _GRID.size - 2)
    return np.asarray(heights[below] + (place - below) * np.diff(heights)[below])


@cache
def _heights(level: float) -> tuple[FloatArray, FloatArray]:
    """Along the grid."""
    places = np.column_stack([np.zeros((_GRID.size, _COORDINATES - 1)), _GRID])
    nu = garch.parameters_at(places)[:, -1]
    return np.log(student_quantile(level, nu)), np.log(student_shortfall(level, nu))


def _log(values: FloatArray) -> FloatArray:
    """NaN of nothing: a window is longer than a short history."""
    return np.asarray(np.log(np.where(values > 0, values, np.nan)))
