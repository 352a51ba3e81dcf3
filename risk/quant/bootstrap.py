"""The stationary bootstrap of tail risk, with the same resamples for all assets."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray, IntArray
from risk.quant.random_numbers import Stream

_DEPTH = 4
"""How many times the expected tail is searched for its edge before the whole sample is."""


@dataclass(frozen=True, slots=True)
class TailReplicates:
    """Resamples x assets. Their spread is the sampling variation of the estimator and no confidence interval: at
    nominal 90 % percentile intervals of VaR held the truth in 52 to 62 %, of ES in 38 to 47 % of simulated samples."""

    value_at_risk: FloatArray
    expected_shortfall: FloatArray


def stationary_indices(stream: Stream, *, days: int, resamples: int, mean_block: float) -> IntArray:
    """Resamples x days; Politis and Romano (1994), JASA 89: blocks of geometric length around a circle."""
    starts = stream.integers(days, (resamples, days))
    is_start = stream.uniforms((resamples, days), first=resamples * days) < 1.0 / mean_block
    is_start[:, 0] = True
    position = np.arange(days)
    begun = np.maximum.accumulate(np.where(is_start, position, 0), axis=1)
    return np.asarray((np.take_along_axis(starts, begun, axis=1) + position - begun) % days)


def tail_replicates(returns: FloatArray, indices: IntArray, *, level: float) -> TailReplicates:
    """VaR and expected shortfall of every asset on every resample of the days.

    All assets share the days, so what falls together is resampled together. A resample of an asset has as many values
    as days on which it was observed were drawn. Needs no resampled matrix: sorting an asset once and counting how often
    each of its days was drawn gives every quantile.
    """
    resamples = len(indices)
    drawn = np.zeros((resamples, returns.shape[1]), dtype=np.int64)
    np.add.at(drawn, (np.arange(resamples)[:, None], indices), 1)
    drawn = np.ascontiguousarray(drawn.T)
    quantiles, shortfalls = (np.full((resamples, len(returns)), np.nan) for _ in range(2))
    for asset, row in enumerate(returns):
        order = np.argsort(row, kind="stable")[: np.count_nonzero(~np.isnan(row))]
        total = drawn[order].sum(axis=0)
        tail = (1 - level) * total
        if not order.size or tail.min() < 1:
            continue
        depth = min(order.size, int(_DEPTH * (1 - level) * order.size) + 2)
        while True:
            reached = drawn[order[:depth]].cumsum(axis=0)
            if depth == order.size or (reached[-1] > tail).all():
                break
            depth = order.size
        # Where the count first exceeds the tail lies the observation on its edge.
        edge = (reached <= np.floor(tail + 1e-9)).sum(axis=0)
        weights = np.diff(np.minimum(reached, tail), axis=0, prepend=0.0)
        worst = row[order[:depth]]
        quantiles[:, asset] = -worst[np.minimum(edge, depth - 1)]
        shortfalls[:, asset] = -(weights * worst[:, None]).sum(axis=0) / tail
    return TailReplicates(quantiles, shortfalls)
