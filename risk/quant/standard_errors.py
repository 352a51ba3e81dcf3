"""Standard errors of what is counted, averaged or found in the middle; rows are assets, NaN what was not observed."""

import numpy as np

from risk.quant.arrays import FloatArray, IntArray, counts, deviations, means, medians, sorted_rows

_CERTAIN = 1.959963984540054
_MOST = 0.98
"""Beyond such a correlation from day to day a row of a quarter has nothing left to average."""


def effective_size(values: FloatArray) -> FloatArray:
    """How many independent observations would say as much: n (1 - r) / (1 + r), r the correlation of neighbours.

    Bayley and Hammersley (1946), Supplement to the J. of the Royal Statistical Society 8, for an autoregression of
    the first order. A negative correlation is not counted on.
    """
    apart = values - means(values)[:, None]
    squares = np.nansum(apart * apart, axis=1)
    size = counts(values)
    neighbours = np.nansum(apart[:, 1:] * apart[:, :-1], axis=1)
    correlation = np.clip(neighbours / np.where(squares > 0, squares, 1.0), 0.0, _MOST)
    return np.asarray(size * (1 - correlation) / (1 + correlation))


def of_mean(values: FloatArray) -> FloatArray:
    """s / sqrt(n), n the effective size."""
    size = effective_size(values)
    return np.where(size > 0, deviations(values) / np.sqrt(np.maximum(size, 1e-300)), np.nan)


def of_median(values: FloatArray) -> FloatArray:
    """From the order statistics that hold it in 95 % of samples, whatever the law: McKean and Schrader (1984),
    Communications in Statistics B 13. Values that go together count as fewer: by whether they are above the median."""
    size = counts(values)
    above = np.where(np.isnan(values), np.nan, values > medians(values)[:, None])
    share = effective_size(above) / np.maximum(size, 1)
    reach = _CERTAIN * np.sqrt(size / (4 * np.where(share > 0, share, 1.0)))
    lower = np.floor(0.5 * (size + 1) - reach).astype(np.int64)
    is_known = lower >= 1
    lower = np.where(is_known, lower, 1)
    ordered, rows = sorted_rows(values), np.arange(len(values))
    width = ordered[rows, np.maximum(size - lower, 0)] - ordered[rows, lower - 1]
    return np.where(is_known, width / (2 * _CERTAIN), np.nan)


def of_share(hits: IntArray | FloatArray, trials: IntArray | FloatArray) -> FloatArray:
    """Of hits / trials, as if two more of four more trials had been hits, so that none or all is no certainty.

    Agresti and Coull (1998), American Statistician 52.
    """
    trials = np.asarray(trials, dtype=np.float64)
    share = (hits + 2) / (trials + 4)
    return np.where(trials > 0, np.sqrt(share * (1 - share) / (trials + 4)), np.nan)
