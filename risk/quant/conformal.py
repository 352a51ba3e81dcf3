"""Intervals that hold what they promise: split conformal prediction by bucket."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf

import numpy as np

from risk.quant.arrays import FloatArray

_SMALLEST_ERROR = 1e-6
"""A date that was foretold exactly must not promise that the next one will be."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far the truth was from the forecast, at one coverage: in each bucket and on the whole."""

    coverage: float
    reach: Mapping[Hashable, float]
    pooled: float
    size: Mapping[Hashable, int]

    def of(self, bucket: Hashable) -> float:
        """The half-width for a bucket; that of all where the bucket is too small to have its own."""
        reach = self.reach.get(bucket, inf)
        return reach if reach < inf else self.pooled

    def scaled(self, by: float) -> "Calibration":
        """The same with every reach so many times as far."""
        return replace(
            self, reach={bucket: by * reach for bucket, reach in self.reach.items()}, pooled=by * self.pooled
        )


@dataclass(frozen=True, slots=True)
class Intervals:
    lower: FloatArray
    upper: FloatArray
    coverage: float


def calibrate(
    forecasts: FloatArray, outcomes: FloatArray, buckets: Sequence[Hashable], *, coverage: float
) -> Calibration:
    """From forecasts and what came of them, which no model was fitted on.

    The ceil((n + 1) coverage)-th smallest distance covers the next exchangeable outcome with at least `coverage`: Lei,
    G'Sell, Rinaldo, Tibshirani and Wasserman (2018), JASA 113; within buckets as Vovk (2012), ACML 25.
    """
    distances = np.abs(outcomes - forecasts)
    known = np.isfinite(distances)
    parts: dict[Hashable, list[float]] = {}
    for bucket, distance, counts in zip(buckets, distances.tolist(), known.tolist(), strict=True):
        if counts:
            parts.setdefault(bucket, []).append(distance)
    return Calibration(
        coverage,
        {bucket: _reach(np.array(part), coverage) for bucket, part in parts.items()},
        _reach(distances[known], coverage),
        {bucket: len(part) for bucket, part in parts.items()},
    )


def expected_errors(errors: Sequence[FloatArray], *, dates: int, response: float) -> FloatArray:
    """By how much errors were to be expected large on each date and, last, on the one to come.

    The mean over the `dates` before it of their median absolute error, to the power `response`: 0 expects the same on
    every date, 1 as much as lately. NaN on the first date, before which there is none. Distances divided by it are
    nearer to exchangeable where the whole market is calm or wild together: Lei et al. (2018), 5.2.
    """
    typical = np.array([np.nanmedian(np.abs(error)) for error in errors])
    typical = np.maximum(typical, _SMALLEST_ERROR)
    lately = [typical[max(0, date - dates) : date].mean() if date else np.nan for date in range(len(errors) + 1)]
    return np.asarray(np.array(lately) ** response)


def intervals(
    forecasts: FloatArray, buckets: Sequence[Hashable], calibration: Calibration, *, lowest: float, highest: float
) -> Intervals:
    """Around the forecasts, within what the quantity can be."""
    reach = np.array([calibration.of(bucket) for bucket in buckets], dtype=np.float64)
    return Intervals(
        np.clip(forecasts - reach, lowest, highest), np.clip(forecasts + reach, lowest, highest), calibration.coverage
    )


def _reach(distances: FloatArray, coverage: float) -> float:
    place = ceil((distances.size + 1) * coverage - 1e-9)
    return float(np.sort(distances)[place - 1]) if 0 < place <= distances.size else inf
