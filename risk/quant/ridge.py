"""Non-negative ridge regression, and what each feature contributes to a prediction, exactly."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from risk.quant.arrays import FloatArray

_SWEEPS = 10_000
_STILL = 1e-12


@dataclass(frozen=True, slots=True)
class Ridge:
    """y = mean + sum of coefficients (x - means), no coefficient below zero: more of a feature is never less risk."""

    coefficients: FloatArray
    feature_means: FloatArray
    mean: float
    penalty: float
    observations: int

    def predict(self, features: FloatArray) -> FloatArray:
        """A prediction a row; the mean and the contributions, summed in this order."""
        return np.asarray(self.mean + self.contributions(features).sum(axis=1))

    def contributions(self, features: FloatArray) -> FloatArray:
        """Shapley values b_j (x_j - mean_j) against a baseline of independent features; Lundberg and Lee (2017), 4.1.

        A feature that is missing contributes nothing.
        """
        return np.nan_to_num(self.coefficients * (features - self.feature_means), nan=0.0)


def fit(features: FloatArray, target: FloatArray, *, penalty: float) -> Ridge:
    """Minimise |y - Xb|^2 / n + penalty |b|^2 over b >= 0, on centred data, by cyclic coordinate descent.

    Hoerl and Kennard (1970), Technometrics 12; Friedman, Hastie and Tibshirani (2010), JSS 33. Rows without a target
    are left out; a missing feature counts as its mean. The penalty makes the minimum unique.
    """
    if penalty <= 0:
        raise ValueError("a ridge has a positive penalty")
    known = ~np.isnan(target)
    x, y = features[known], target[known]
    if not len(y):
        raise ValueError("nothing to learn from")
    present = ~np.isnan(x)
    means = np.where(present, np.nan_to_num(x), 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    x = np.where(present, x - means, 0.0)
    mean = float(y.mean())
    gram = x.T @ x / len(y)
    moment = x.T @ (y - mean) / len(y)
    b = np.zeros(x.shape[1])
    for _ in range(_SWEEPS):
        largest = 0.0
        for j in range(len(b)):
            value = max(0.0, (moment[j] - gram[j] @ b + gram[j, j] * b[j]) / (gram[j, j] + penalty))
            largest = max(largest, abs(value - b[j]))
            b[j] = value
        if largest < _STILL:
            break
    return Ridge(b, means, mean, penalty, len(y))


def ranks(values: FloatArray) -> FloatArray:
    """Of a column's observed values, between 0 and 1 exclusive: (rank - 1/2) / n, ties sharing the mean rank."""
    result = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        known = np.flatnonzero(~np.isnan(values[:, column]))
        _, inverse, size = np.unique(values[known, column], return_inverse=True, return_counts=True)
        last = size.cumsum()
        result[known, column] = ((last - 0.5 * (size - 1))[inverse] - 0.5) / max(known.size, 1)
    return result


def probits(values: FloatArray) -> FloatArray:
    """Ranks as standard normal scores: the ends of the order weigh more than its middle."""
    return np.asarray(ndtri(ranks(values)))
