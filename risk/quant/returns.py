"""From prices to returns: what a gap does, which prints are not believed, how far one day may reach."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from risk.quant.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    as_matrix,
    counts,
    median_deviations,
    medians,
)

LONGEST_GAP = 3
"""Days over which a return is still one return; longer ones start a new segment."""

BAD_PRINT_DEVIATIONS = 10.0
BAD_PRINT_MOVE = float(np.log(1.6))
BAD_PRINT_REVERSAL = 0.8
BAD_FIRST_MOVE = float(np.log(100))
BAD_PRINT_DAYS = 2
WINSOR_DEVIATIONS = 8.0


@dataclass(frozen=True, slots=True)
class Sequences:
    """The observed returns of each asset in their order, without holes, ending in the last column.

    Before its first return a row holds zeros that belong to nothing: `size` says how many values are real.
    """

    values: FloatArray
    is_first: BoolArray
    """Where a segment begins: the variance before it is not known."""
    size: IntArray

    @property
    def is_real(self) -> BoolArray:
        return np.asarray(np.arange(self.values.shape[1]) >= self.values.shape[1] - self.size[:, None])

    def masked(self) -> FloatArray:
        """The values with NaN before the first."""
        return np.where(self.is_real, self.values, np.nan)

    def take(self, rows: IntArray) -> "Sequences":
        """These assets alone."""
        return Sequences(self.values[rows], self.is_first[rows], self.size[rows])

    def divided(self, scale: FloatArray) -> "Sequences":
        """The same in a unit of its own for each asset."""
        return Sequences(self.values / scale[:, None], self.is_first, self.size)


@dataclass(frozen=True, slots=True)
class Returns:
    """Daily log returns on one calendar, assets x days; NaN where the day or the one before it has none."""

    values: FloatArray
    days: IntArray
    """How many days each return spans; 0 where there is none."""
    is_first: BoolArray

    def winsorised(self, deviations: float = WINSOR_DEVIATIONS) -> "Returns":
        """The same with every value within so many MAD of its asset's median."""
        return Returns(winsorise(self.values, deviations=deviations), self.days, self.is_first)

    def last(self, days: int) -> "Returns":
        """Of the last so many days alone."""
        return Returns(self.values[:, -days:], self.days[:, -days:], self.is_first[:, -days:])

    def replaced(self, rows: IntArray, others: "Returns") -> "Returns":
        """The same with other returns in these rows."""
        values, days, is_first = self.values.copy(), self.days.copy(), self.is_first.copy()
        values[rows], days[rows], is_first[rows] = others.values, others.days, others.is_first
        return Returns(values, days, is_first)

    def sequences(self) -> Sequences:
        """For models that count observations rather than days."""
        observed = ~np.isnan(self.values)
        values, is_first = np.where(observed, self.values, 0.0), self.is_first
        holed = np.flatnonzero(_has_holes(observed))
        if holed.size:
            order = np.argsort(observed[holed], axis=1, kind="stable")
            is_first = is_first.copy()
            values[holed] = np.take_along_axis(values[holed], order, axis=1)
            is_first[holed] = np.take_along_axis(is_first[holed], order, axis=1)
        return Sequences(values, is_first, counts(self.values))


def returns(prices: ArrayLike, *, longest_gap: int = LONGEST_GAP) -> Returns:
    """Log returns between observed prices; whatever is not a positive finite number was not observed.

    Over a gap of up to `longest_gap` days the return is divided by the root of its days, so that its variance is that
    of one day; a longer gap gives no return and starts a new segment. Nothing is filled forward: the zero returns that
    this makes would pass for calm.
    """
    matrix = as_matrix(prices)
    matrix[matrix <= 0] = np.nan
    logs = np.log(matrix)
    values = np.full(matrix.shape, np.nan)
    values[:, 1:] = np.diff(logs, axis=1)
    is_return = ~np.isnan(values)
    is_first = is_return.copy()
    is_first[:, 1:] &= ~is_return[:, :-1]
    found = Returns(values, is_return.astype(np.int64), is_first)
    # Most assets have no holes, and a day's difference is all that there is to theirs.
    holed = np.flatnonzero(_has_holes(~np.isnan(logs)))
    return found.replaced(holed, _over_gaps(logs[holed], longest_gap)) if holed.size else found


def _has_holes(observed: BoolArray) -> BoolArray:
    """Which rows are not observed from their first observation on to their end."""
    return np.asarray((observed[:, :-1] & ~observed[:, 1:]).any(axis=1))


def _over_gaps(logs: FloatArray, longest_gap: int) -> Returns:
    observed = ~np.isnan(logs)
    day = np.arange(logs.shape[1])
    last = np.maximum.accumulate(np.where(observed, day, -1), axis=1)
    before = np.concatenate([np.full((len(logs), 1), -1), last[:, :-1]], axis=1)
    gap = np.where(observed & (before >= 0), day - before, 0)
    is_return = (gap > 0) & (gap <= longest_gap)
    change = logs - np.take_along_axis(logs, np.maximum(before, 0), axis=1)
    values = np.where(is_return, change / np.sqrt(np.maximum(gap, 1)), np.nan)
    # A price whose own return is missing begins a segment; the return after it is the first of the segment.
    previous_is_return = np.take_along_axis(is_return, np.maximum(before, 0), axis=1)
    return Returns(values, np.where(is_return, gap, 0), is_return & ~previous_is_return)


def between_moves(prices: ArrayLike) -> Returns:
    """Log returns from one move of a price to the next, each divided by the root of the days between them.

    Where nobody trades, a price shows nothing on most days and then the change of all of them at once. The variance of
    such returns over their days is that of the value behind the price: Lo and MacKinlay (1990), J. Econometrics 45.
    """
    matrix = as_matrix(prices)
    matrix[returns(matrix).values == 0] = np.nan
    return returns(matrix, longest_gap=matrix.shape[1])


def bad_prints(prices: ArrayLike, *, is_single_venue: bool | BoolArray = True) -> BoolArray:
    """Which prices are not believed: a move beyond 10 MAD and a factor of 1.6 that reverses by 80 % within two prices.
    Of the very first price, which has none before it, a factor of 100 that the two after it agree on.

    Judged on one venue's prices alone: what several venues saw has happened. It looks two prices ahead, so the newest
    print can only be judged later.
    """
    matrix = as_matrix(prices)
    matrix[matrix <= 0] = np.nan
    moves = returns(matrix).values
    is_bad = np.zeros(matrix.shape, dtype=np.bool_)
    judged = np.broadcast_to(np.asarray(is_single_venue, dtype=np.bool_), len(matrix))
    assets = np.flatnonzero(judged & (np.abs(moves) > BAD_PRINT_MOVE).any(axis=1))
    limits = np.maximum(BAD_PRINT_DEVIATIONS * median_deviations(moves[assets]), BAD_PRINT_MOVE)
    for asset, limit in zip(assets.tolist(), limits.tolist(), strict=True):
        days = np.flatnonzero(~np.isnan(matrix[asset]))
        is_bad[asset, days] = _bad_positions(np.log(matrix[asset, days]), limit)
    return is_bad


def believed(prices: FloatArray) -> FloatArray:
    """The prices of one venue, NaN where none was observed, or none that is believed."""
    return np.where(bad_prints(prices) | ~(prices > 0), np.nan, prices)


def _bad_positions(logs: FloatArray, limit: float) -> BoolArray:
    is_bad = np.zeros(logs.size, dtype=np.bool_)
    believed = 0
    if logs.size > BAD_PRINT_DAYS:
        first, second = np.abs(np.diff(logs[: BAD_PRINT_DAYS + 1]))
        is_bad[0] = first > max(limit, BAD_FIRST_MOVE) and second <= (1 - BAD_PRINT_REVERSAL) * first
    for position in (np.flatnonzero(np.abs(np.diff(logs)) > limit) + 1).tolist():
        if position <= believed:
            continue
        before = logs[position - 1]
        following = logs[position + 1 : position + 1 + BAD_PRINT_DAYS] - before
        back = np.flatnonzero(np.abs(following) <= (1 - BAD_PRINT_REVERSAL) * abs(logs[position] - before))
        if back.size:
            believed = position + 1 + int(back[0])
            is_bad[position:believed] = True
    return is_bad


def winsorise(values: FloatArray, *, deviations: float = WINSOR_DEVIATIONS) -> FloatArray:
    """Each row within `deviations` MAD of its median; a row whose MAD is zero stays as it is.

    Outliers of crypto returns otherwise rule the variance recursion for months (Trucios 2019, IJF 35).
    """
    middle = medians(values)[:, None]
    # The MAD, whose middle is known by now.
    reach = deviations * medians(np.abs(values - middle))[:, None]
    reach = np.where(reach > 0, reach, np.inf)
    return np.clip(values, middle - reach, middle + reach)
