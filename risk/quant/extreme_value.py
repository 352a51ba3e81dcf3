"""Generalised Pareto tails by probability-weighted moments."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray, IntArray, LabelArray, counts
from risk.quant.status import Status, statuses, where_ok

TAIL_SHARE = 0.1
FEWEST_EXCESSES = 20


@dataclass(frozen=True, slots=True)
class ParetoTail:
    """Losses beyond `threshold` follow a generalised Pareto law; a value an asset, NaN where the status is not OK."""

    threshold: FloatArray
    shape: FloatArray
    """xi: 0 is an exponential tail, 1 / xi the number of moments."""
    scale: FloatArray
    excesses: IntArray
    observations: IntArray
    status: LabelArray

    @property
    def shape_error(self) -> FloatArray:
        """The standard error of the shape; NaN from a shape of 1/2 on, where it has none.

        Hosking and Wallis (1987), Technometrics 29, the asymptotic variance; their k is minus the shape.
        """
        xi = np.where(self.shape < 0.5, self.shape, np.nan)
        variance = (1 - xi) * (2 - xi) ** 2 * (1 - xi + 2 * xi**2) / ((1 - 2 * xi) * (3 - 2 * xi))
        return np.asarray(np.sqrt(variance / np.maximum(self.excesses, 1)))


def fit(losses: FloatArray, *, share: float = TAIL_SHARE) -> ParetoTail:
    """To the worst `share` of each row; Hosking and Wallis (1987), Technometrics 29, with plotting positions
    (i - 0.35) / n. The threshold is the largest loss outside the tail."""
    size = counts(losses)
    excesses = np.floor(share * size + 1e-9).astype(np.int64)
    descending = -np.sort(-losses, axis=1)  # NaN at the end
    most = int(excesses.max(initial=0))
    enough = excesses >= FEWEST_EXCESSES
    place = np.minimum(excesses, losses.shape[1] - 1)
    threshold = descending[np.arange(len(losses)), place]
    n = np.maximum(excesses, 1).astype(np.float64)[:, None]
    rank = np.arange(most)
    inside = rank < excesses[:, None]
    with np.errstate(invalid="ignore"):
        y = np.where(inside, descending[:, :most] - threshold[:, None], 0.0)
    position = (n - rank - 0.35) / n  # the largest excess is the last of the ascending order
    first = _total(y) / n[:, 0]
    second = _total((1 - position) * y) / n[:, 0]
    spread = first - 2 * second
    with np.errstate(invalid="ignore", divide="ignore"):
        shape, scale = 2 - first / spread, 2 * first * second / spread
    status = statuses(
        (Status.TOO_FEW_OBSERVATIONS, ~enough),
        (Status.NO_TAIL_MODEL, ~((first > 0) & (spread > 0) & (shape < 1))),
        size=len(losses),
    )
    return ParetoTail(
        where_ok(status, threshold), where_ok(status, shape), where_ok(status, scale), excesses, size, status
    )


def _total(rows: FloatArray) -> FloatArray:
    # One by one: a pairwise sum would depend on how long the longest tail of the batch is.
    return rows.cumsum(axis=1)[:, -1] if rows.shape[1] else np.zeros(len(rows))


def quantile(tail: ParetoTail, *, level: float) -> FloatArray:
    """The loss exceeded with probability 1 - level; McNeil, Frey and Embrechts (2015), 5.18. NaN inside the bulk."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (1 - level) * tail.observations / tail.excesses
        power = np.where(
            np.abs(tail.shape) < 1e-9,
            -np.log(ratio),
            (ratio**-tail.shape - 1) / np.where(tail.shape == 0, 1, tail.shape),
        )
        return np.where(ratio <= 1, tail.threshold + tail.scale * power, np.nan)


def shortfall(tail: ParetoTail, *, level: float) -> FloatArray:
    """The mean loss beyond that quantile; McNeil, Frey and Embrechts (2015), 5.19."""
    return (quantile(tail, level=level) + tail.scale - tail.shape * tail.threshold) / (1 - tail.shape)
