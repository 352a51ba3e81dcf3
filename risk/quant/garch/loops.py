"""The likelihood of GARCH(1,1) and GJR with its exact gradient, all series a day at a time; `compiled.garch` does the
same in machine code.

With t = nu - 2, e the error and s the variance of a day, the sums of a series are those of log s, log (e^2 + s t),
s / (e^2 + s t) and e / (e^2 + s t); for normal innovations those of log s, e^2 / s and e / s. The gradient's first five
entries are what the recursion carries back to mean, omega, alpha, gamma and beta; the mean's is halved and without its
sign, as the loops meet it.
"""

from collections.abc import Iterator

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray

BLOCK = 32
"""Days that are multiplied before a logarithm is taken; of series of unit variance the product is still a number."""


def student(
    values: FloatArray,
    is_first: BoolArray,
    start: IntArray,
    rows: IntArray,
    parameters: FloatArray,
    backcasts: FloatArray,
    with_gradient: bool,
) -> tuple[FloatArray, FloatArray]:
    """Four sums and, unless it is not asked for, the gradient of the asked `rows`."""
    nu = parameters[:, 5]
    tail, half, weight = nu - 2.0, 0.5 * nu, 0.5 * (nu + 1.0) * (nu - 2.0)
    run = _Run(values, is_first, start, rows, parameters, backcasts)
    sums = np.zeros((4, len(rows)))
    variances, densities = np.ones(len(rows)), np.ones(len(rows))
    for t, is_real, s, e in run.forward():
        density = e * e + s * tail
        inverse = 1.0 / (density * s)
        r = inverse * s
        variances = np.where(is_real, variances * s, variances)
        densities = np.where(is_real, densities * density, densities)
        sums[2] += np.where(is_real, s * r, 0.0)
        sums[3] += np.where(is_real, e * r, 0.0)
        run.slope[t] = half * (inverse * density) - weight * r
        ended = run.ended(t)
        sums[0, ended] += np.log(variances[ended])
        sums[1, ended] += np.log(densities[ended])
        variances[ended], densities[ended] = 1.0, 1.0
    return sums, run.backward() if with_gradient else np.empty((0, 6))


def normal(
    values: FloatArray,
    is_first: BoolArray,
    start: IntArray,
    rows: IntArray,
    parameters: FloatArray,
    backcasts: FloatArray,
    with_gradient: bool,
) -> tuple[FloatArray, FloatArray]:
    """The same for normal innovations; the second sum is empty."""
    run = _Run(values, is_first, start, rows, parameters, backcasts)
    sums = np.zeros((4, len(rows)))
    variances = np.ones(len(rows))
    for t, is_real, s, e in run.forward():
        inverse = 1.0 / s
        square = e * e
        variances = np.where(is_real, variances * s, variances)
        sums[2] += np.where(is_real, square * inverse, 0.0)
        sums[3] += np.where(is_real, e * inverse, 0.0)
        run.slope[t] = 0.5 * inverse * (square * inverse - 1.0)
        ended = run.ended(t)
        sums[0, ended] += np.log(variances[ended])
        variances[ended] = 1.0
    return sums, run.backward() if with_gradient else np.empty((0, 6))


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

    def ended(self, t: int) -> IntArray:
        """The series that end a block with this day."""
        position = t - self.start
        ends = (position % BLOCK == BLOCK - 1) | (t == len(self.errors) - 1)
        return np.flatnonzero(ends & (position >= 0))

    def backward(self) -> FloatArray:
        """Carry the slope of each variance back through the recursion."""
        total = np.zeros((6, len(self.start)))
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
        return np.ascontiguousarray(total.T)
