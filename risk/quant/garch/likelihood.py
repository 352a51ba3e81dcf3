"""How likely returns are under parameters, and which way that rises."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from risk.quant.arrays import FloatArray, IntArray
from risk.quant.engine import Engine
from risk.quant.garch import loops
from risk.quant.garch.coordinates import Coordinates
from risk.quant.garch.prior import Prior
from risk.quant.garch.variant import Innovation
from risk.quant.returns import Sequences


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Minus the penalised log-likelihood of series of unit variance, with its gradient."""

    sequences: Sequences
    coordinates: Coordinates
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
                loops.BLOCK,
                compiled.LANES,
                found,
                gradient,
            )
            return found, gradient
        run = loops.student if is_student else loops.normal
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
