"""The types of arrays, and the shapes that are asked of them."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
LabelArray = NDArray[Any]
"""Members of an enum, one an asset."""
Value = TypeVar("Value", bound=np.generic)


def as_matrix(values: ArrayLike) -> FloatArray:
    """Assets x days; one series becomes a matrix of one row. What is not finite becomes NaN: it was not observed."""
    matrix = np.array(values, dtype=np.float64, ndmin=2)
    if matrix.ndim != 2:
        raise ValueError(f"assets x days are expected, not {matrix.ndim} dimensions")
    matrix[~np.isfinite(matrix)] = np.nan
    return matrix


def counts(matrix: FloatArray) -> IntArray:
    """How many values of each row were observed."""
    return np.asarray(np.count_nonzero(~np.isnan(matrix), axis=1))


def last(matrix: NDArray[Value], columns: int, *, missing: float = np.nan) -> NDArray[Value]:
    """The last so many columns of each row; what is missing before its first."""
    kept = matrix[:, -columns:]
    return np.pad(kept, ((0, 0), (columns - kept.shape[1], 0)), constant_values=missing)


def sorted_rows(matrix: FloatArray) -> FloatArray:
    """Each row ascending, what is missing at its end."""
    return np.sort(matrix, axis=1)


def medians(matrix: FloatArray) -> FloatArray:
    """Of each row over what was observed; NaN where nothing was."""
    ordered, size = sorted_rows(matrix), counts(matrix)
    if not matrix.shape[1]:
        return np.full(len(matrix), np.nan)
    rows = np.arange(len(matrix))
    lower, upper = np.maximum(size - 1, 0) // 2, np.maximum(size // 2, 0)
    return np.asarray(0.5 * (ordered[rows, lower] + ordered[rows, np.minimum(upper, matrix.shape[1] - 1)]))


def median_deviations(matrix: FloatArray) -> FloatArray:
    """MAD: of each row the median distance from its median, not scaled to a standard deviation."""
    return medians(np.abs(matrix - medians(matrix)[:, None]))


def means(matrix: FloatArray) -> FloatArray:
    """Of each row over what was observed; NaN where nothing was."""
    size = counts(matrix)
    return np.where(size > 0, np.nansum(matrix, axis=1) / np.maximum(size, 1), np.nan)


def deviations(matrix: FloatArray) -> FloatArray:
    """Standard deviation of each row (divisor n - 1); NaN below two observations."""
    size = counts(matrix)
    squares = np.nansum((matrix - means(matrix)[:, None]) ** 2, axis=1)
    return np.where(size > 1, np.sqrt(squares / np.maximum(size - 1, 1)), np.nan)
