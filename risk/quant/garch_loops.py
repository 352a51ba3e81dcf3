"""The likelihood of GARCH(1,1) and GJR with its exact gradient, all series a day at a time: `compiled.garch` in NumPy.

With t = nu - 2, e the error and s the variance of a day, the two products of a block of days are those of s and of
e^2 + s t, and the two sums of a series are those of s / (e^2 + s t) and e / (e^2 + s t); for normal innovations the
products of s alone, and the sums of e^2 / s and e / s. Their logarithms are taken by the caller, so that both engines
give the same bits. The gradient's first five entries are what the recursion carries back to mean, omega, alpha, gamma
and beta; the mean's is halved and without its sign, as the loops meet it.
"""

from collections.abc import Iterator

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray

BLOCK = 16
"""Days whose variances are multiplied before a logarithm is taken; series of unit variance keep the product finite."""


def student(
    values: FloatArray,
    is_first: BoolArray,
    start: IntArray,
    rows: IntArray,
    parameters: FloatArray,
    backcasts: FloatArray,
    products: FloatArray,
    sums: FloatArray,
    gradients: FloatArray,
) -> None:
    """Fill `products`, `sums` and, unless it is empty, `gradients` of the asked `rows`."""
    nu = parameters[:, 5]
    tail, half, weight = nu - 2.0, 0.5 * nu, 0.5 * (nu + 1.0) * (nu - 2.0)
    run = _Run(values, is_first, start, rows, parameters, backcasts)
    totals = np.zeros((2, len(rows)))
    variances, densities = np.ones(len(rows)), np.ones(len(rows))
    for t, is_real, s, e in run.forward():
        density = e * e + s * tail
        inverse = 1.0 / (density * s)
        r = inverse * s
        variances = np.where(is_real, variances * s, variances)
        densities = np.where(is_real, densities * density, densities)
        totals[0] += np.where(is_real, s * r, 0.0)
        totals[1] += np.where(is_real, e * r, 0.0)
        run.slope[t] = half * (inverse * density) - weight * r
        ended, block = run.ended(t)
        products[ended, block, 0], products[ended, block, 1] = variances[ended], densities[ended]
        variances[ended], densities[ended] = 1.0, 1.0
    sums[:] = totals.T
    if len(gradients):
        run.backward(gradients)


def normal(
    values: FloatArray,
    is_first: BoolArray,
    start: IntArray,
    rows: IntArray,
    parameters: FloatArray,
    backcasts: FloatArray,
    products: FloatArray,
    sums: FloatArray,
    gradients: FloatArray,
) -> None:
    """The same for normal innovations."""
    run = _Run(values, is_first, start, rows, parameters, backcasts)
    totals = np.zeros((2, len(rows)))
    variances = np.ones(len(rows))
    for t, is_real, s, e in run.forward():
        inverse = 1.0 / s
        square = e * e
        variances = np.where(is_real, variances * s, variances)
        totals[0] += np.where(is_real, square * inverse, 0.0)
        totals[1] += np.where(is_real, e * inverse, 0.0)
        run.slope[t] = 0.5 * inverse * (square * inverse - 1.0)
        ended, block = run.ended(t)
        products[ended, block, 0] = variances[ended]
        variances[ended] = 1.0
    sums[:] = totals.T
    if len(gradients):
        run.backward(gradients)


class _Run:
    """One pass forward and one back over the asked series."""

    def __init__(
        self,
        values: FloatArray,
        is_first: BoolArray,
        start: IntArray,
        rows: IntArray,
        parameters: FloatArray,
        backcasts: FloatArray,
    ) -> None:
        self.mu, self.omega, self.alpha, self.gamma, self.beta = parameters[:, :5].T
        self.errors = np.ascontiguousarray(values[rows].T) - self.mu
        self.is_first = np.ascontiguousarray(is_first[rows].T)
        self.start = start[rows]
        self.before = backcasts[rows]
        self.variance = np.ones_like(self.errors)
        self.slope = np.zeros_like(self.errors)

    def forward(self) -> Iterator[tuple[int, BoolArray, FloatArray, FloatArray]]:
        """Each day with who has begun, the variances and the errors."""
        initial = self.omega + (self.alpha + 0.5 * self.gamma + self.beta) * self.before
        s, shock = initial, np.zeros_like(initial)
        for t, e in enumerate(self.errors):
            s = np.where(self.is_first[t] | (t <= self.start), initial, self.omega + shock + self.beta * s)
            shock = np.where(e < 0.0, self.alpha + self.gamma, self.alpha) * (e * e)
            self.variance[t] = s
            yield t, np.asarray(t >= self.start), s, e

    def ended(self, t: int) -> tuple[IntArray, IntArray]:
        """The series that end a block with this day, and which of their blocks it is."""
        position = t - self.start
        ends = (position % BLOCK == BLOCK - 1) | (t == len(self.errors) - 1)
        series = np.flatnonzero(ends & (position >= 0))
        return series, position[series] // BLOCK

    def backward(self, gradients: FloatArray) -> None:
        """Carry the slope of each variance back through the recursion."""
        total = np.zeros((5, len(self.start)))
        carried = np.zeros(len(self.start))
        for t in range(len(self.errors) - 1, -1, -1):
            adjoint = np.where(t >= self.start, self.slope[t] + carried, 0.0)
            begins = self.is_first[t] | (t <= self.start)
            e, s = (self.errors[t - 1], self.variance[t - 1]) if t else (self.before, self.before)
            moved = adjoint * e
            falls = e < 0.0
            total[0] += np.where(begins, 0.0, moved * np.where(falls, self.alpha + self.gamma, self.alpha))
            total[1] += adjoint
            total[2] += np.where(begins, adjoint * self.before, moved * e)
            total[3] += np.where(begins, 0.5 * adjoint * self.before, np.where(falls, moved * e, 0.0))
            total[4] += np.where(begins, adjoint * self.before, adjoint * s)
            carried = np.where(begins, 0.0, self.beta * adjoint)
        gradients[:, :5] = total.T
