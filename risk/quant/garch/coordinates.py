"""Where a search is: numbers without bounds that stand for the parameters of GARCH."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray
from risk.quant.garch.variant import Asymmetry, Innovation


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


@dataclass(frozen=True, slots=True)
class Coordinates:
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

    def has_floor(self, x: FloatArray) -> BoolArray:
        """Whether the variance cannot vanish at the place of a search.

        Runs of equal prices lift a likelihood without end as the variance goes to zero with them; it is no top.
        """
        with np.errstate(invalid="ignore"):
            is_inside = (x[:, 2 : 2 + self.shares] < SPACE.odds).all(axis=1)
            return np.asarray(is_inside & (self.parameters(x)[:, 1] > LEAST_FLOOR), dtype=np.bool_)

    def _share(self, x: FloatArray) -> FloatArray:
        odds = np.exp(np.clip(x[:, 2 : 2 + self.shares], -SPACE.odds, SPACE.odds))
        return np.asarray(odds / (1 + odds.sum(axis=1))[:, None])

    def _split(self, share: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        if self.shares == 2:
            return share[:, 0], np.zeros(len(share)), share[:, 1]
        return 2 * share[:, 0], 2 * (share[:, 1] - share[:, 0]), share[:, 2]


def parameters_at(places: FloatArray) -> FloatArray:
    """Mean, omega, alpha, gamma, beta and degrees of freedom of GARCH-t at places of the search; a row a place."""
    return Coordinates(Innovation.STUDENT, Asymmetry.NONE).parameters(places)
