"""One-day value at risk and expected shortfall as they would have been forecast: parameters every 30 days, variances
every day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from risk.quant import garch
from risk.quant.arrays import FloatArray, IntArray, median_deviations, medians
from risk.quant.distributions import normal_quantile, normal_shortfall
from risk.quant.ewma import FAST, RECENT, SLOW, asymmetric_mean, asymmetric_parts, ewma, weigh_falls
from risk.quant.features import GARCH_FREE_FROM, LEVELS, YEAR, prior_of, with_shorter
from risk.quant.returns import WINSOR_DEVIATIONS, Returns, believed, returns
from risk.quant.tail_risk import (
    Method,
    TailRisk,
    asymmetric_filtered,
    combined,
    ewma_filtered,
    garch_filtered,
    garch_student,
    historical,
    pool,
    with_pool,
)

METHODS = (Method.COMBINED, Method.ASYMMETRIC_FILTERED, Method.GARCH_FILTERED, Method.GARCH_STUDENT)
BASELINES = (Method.EWMA_FILTERED, Method.EWMA_NORMAL, Method.HISTORICAL)
"""What others do: shown beside the methods, and never used."""
HISTORICAL_DAYS = 250

Key = tuple[Method, float]
"""A method at a level."""


@dataclass(frozen=True, slots=True)
class Moves:
    """Log returns of days, assets x days."""

    believed: FloatArray
    """From one believed price to the next."""
    doubted: FloatArray
    """To prices that were not believed once they were taken back: in the evenings until then nobody knows. NaN where
    there is none."""

    @classmethod
    def of(cls, prices: FloatArray) -> "Moves":
        """Of everything that is known by now."""
        kept = believed(prices)
        return cls(returns(kept).values, np.where(np.isnan(kept), returns(prices).values, np.nan))

    def take(self, rows: IntArray, days: slice) -> "Moves":
        return Moves(self.believed[rows, days], self.doubted[rows, days])

    @classmethod
    def joined(cls, parts: Sequence["Moves"]) -> "Moves":
        """Of several parts of the assets."""
        return cls(np.vstack([part.believed for part in parts]), np.vstack([part.doubted for part in parts]))

    def mapped(self, change: Callable[[FloatArray], FloatArray]) -> "Moves":
        return Moves(change(self.believed), change(self.doubted))

    def seen_before(self, day: int) -> FloatArray:
        """The moves of the days before, as they were known in the evening before it."""
        moves, doubted = self.believed[:, :day], self.doubted[:, :day]
        is_settled = np.logical_or.accumulate(~np.isnan(moves)[:, ::-1], axis=1)[:, ::-1]
        return np.where(np.isnan(doubted) | is_settled, moves, doubted)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """A row a forecast that a loss followed, in the order of assets and then of days; log losses.

    Rows rather than assets x days, most of which are empty: over 15 years four in five are.
    """

    asset: IntArray
    day: IntArray
    losses: FloatArray
    value_at_risk: Mapping[Key, FloatArray]
    """NaN where the method had no forecast; likewise the shortfall."""
    expected_shortfall: Mapping[Key, FloatArray]

    @classmethod
    def joined(cls, blocks: Sequence["Forecasts"]) -> "Forecasts":
        """Of several blocks of days."""
        asset = np.concatenate([block.asset for block in blocks])
        day = np.concatenate([block.day for block in blocks])
        order = np.lexsort((day, asset))
        keys = blocks[0].value_at_risk
        return cls(
            asset[order],
            day[order],
            np.concatenate([block.losses for block in blocks])[order],
            {key: np.concatenate([block.value_at_risk[key] for block in blocks])[order] for key in keys},
            {key: np.concatenate([block.expected_shortfall[key] for block in blocks])[order] for key in keys},
        )


def forecast(past: Returns, after: Moves, *, assets: IntArray, first_day: int) -> Forecasts:
    """The days of `after` by what was known at the end of `past`, day after day.

    What is learnt ends with `past`; variances go on with each day that has happened, as it was known in its evening,
    and winsorised as it is then known.
    `assets` are the numbers of the rows, `first_day` that of the first column of `after`.
    """
    kept = past.winsorised()
    packed, actual = kept.sequences(), past.sequences()
    recent = ewma(packed)
    fast, slow = asymmetric_parts(packed)
    asymmetric = asymmetric_mean(fast, slow)
    long = garch.fit(packed, fewest=GARCH_FREE_FROM)
    fits = with_shorter(packed, long, prior_of(long))
    filtered = garch.filtered(packed, fits, actual=actual.values)
    happened = actual.masked()
    moves = after.mapped(partial(_within, known=past.values))
    weighed = moves.mapped(weigh_falls)
    path = _path(recent.next_variance, moves, _by_ewma(RECENT))
    paths = (
        _path(fast.next_variance, weighed, _by_ewma(FAST)),
        _path(slow.next_variance, weighed, _by_ewma(SLOW)),
    )
    path_of_garch = _path(filtered.next_variance, moves, _by_garch(fits))
    # By how much the risk of each day is that of the first one.
    with np.errstate(invalid="ignore", divide="ignore"):
        grown_ewma = np.sqrt(path / recent.next_variance[:, None])
        grown = np.sqrt(0.5 * (paths[0] + paths[1]) / asymmetric.next_variance[:, None])
        grown_garch = np.sqrt(path_of_garch / filtered.next_variance[:, None])
    shift = np.where(np.isnan(fits.mean), 0.0, fits.mean)
    at_risk: dict[Key, FloatArray] = {}
    shortfall: dict[Key, FloatArray] = {}
    deviation = np.sqrt(path)
    year = past.last(YEAR)
    peers = pool(year, year.winsorised(), levels=LEVELS)
    by_asymmetric, by_garch = asymmetric_filtered(happened, asymmetric), garch_filtered(fits, filtered)
    by_ewma = ewma_filtered(happened, recent)
    for level in LEVELS:
        parts = (
            by_asymmetric.tail(level=level),
            by_garch.tail(level=level),
            garch_student(fits, filtered, level=level),
        )
        single = {
            Method.ASYMMETRIC_FILTERED: _scaled(parts[0], grown),
            Method.GARCH_FILTERED: _scaled(parts[1], grown_garch, shift),
            Method.GARCH_STUDENT: _scaled(parts[2], grown_garch, shift),
        }
        beside = {
            Method.EWMA_FILTERED: _scaled(by_ewma.tail(level=level), grown_ewma),
            Method.EWMA_NORMAL: (deviation * normal_quantile(level), deviation * normal_shortfall(level)),
            Method.HISTORICAL: _historical(past.values, after, level=level),
        }
        is_full = combined(*parts).method == Method.COMBINED
        short = _scaled(with_pool(parts[0], asymmetric, peers), grown)
        for index, found in enumerate((at_risk, shortfall)):
            for method, values in (single | beside).items():
                found[method, level] = values[index]
            mean = sum(values[index] for values in single.values()) / 3
            found[Method.COMBINED, level] = np.where(is_full[:, None], mean, short[index])
    return _rows(after.believed, assets, first_day, at_risk, shortfall)


def _rows(
    after: FloatArray,
    assets: IntArray,
    first_day: int,
    at_risk: Mapping[Key, FloatArray],
    shortfall: Mapping[Key, FloatArray],
) -> Forecasts:
    """Those days of each asset that have a loss and a forecast by any method; a baseline alone is none."""
    by_methods = [~np.isnan(values) for (method, _), values in at_risk.items() if method in METHODS]
    is_forecast = ~np.isnan(after) & np.any(by_methods, axis=0)
    row, column = np.nonzero(is_forecast)
    return Forecasts(
        assets[row],
        first_day + column,
        -after[row, column],
        {key: values[row, column] for key, values in at_risk.items()},
        {key: values[row, column] for key, values in shortfall.items()},
    )


def _historical(past: FloatArray, after: Moves, *, level: float) -> tuple[FloatArray, FloatArray]:
    """Of each day of `after`, the empirical tail of the 250 days before it."""
    found = [
        historical(np.hstack([past, after.seen_before(day)])[:, -HISTORICAL_DAYS:], level=level)
        for day in range(after.believed.shape[1])
    ]
    return (
        np.column_stack([tail.value_at_risk for tail in found]),
        np.column_stack([tail.expected_shortfall for tail in found]),
    )


def _scaled(tail: TailRisk, grown: FloatArray, shift: FloatArray | float = 0.0) -> tuple[FloatArray, FloatArray]:
    """The tail of tomorrow for each later day: the same residuals, times the risk of that day."""
    mean = np.broadcast_to(shift, len(grown))[:, None]
    return (
        (tail.value_at_risk[:, None] + mean) * grown - mean,
        (tail.expected_shortfall[:, None] + mean) * grown - mean,
    )


def _within(after: FloatArray, known: FloatArray) -> FloatArray:
    """Later returns, winsorised by what is known of the earlier ones."""
    middle = medians(known)
    reach = WINSOR_DEVIATIONS * median_deviations(known)
    reach = np.where(reach > 0, reach, np.inf)
    return np.clip(after, (middle - reach)[:, None], (middle + reach)[:, None])


def _path(variance: FloatArray, moves: Moves, step: Callable[[FloatArray, FloatArray], FloatArray]) -> FloatArray:
    """Of each day the variance as it was foreseen in the evening before, from that of the first on."""
    path = np.empty_like(moves.believed)
    seen = variance
    for day, (move, doubted) in enumerate(zip(moves.believed.T, moves.doubted.T, strict=True)):
        path[:, day] = seen
        is_settled = ~np.isnan(move)
        variance = np.where(is_settled, step(variance, move), variance)
        seen = np.where(is_settled, variance, np.where(np.isnan(doubted), seen, step(seen, doubted)))
    return path


def _by_ewma(decay: float) -> Callable[[FloatArray, FloatArray], FloatArray]:
    return lambda variance, move: decay * variance + (1 - decay) * move**2


def _by_garch(fits: garch.GarchFit) -> Callable[[FloatArray, FloatArray], FloatArray]:
    return lambda variance, move: fits.omega + fits.alpha * (move - fits.mean) ** 2 + fits.beta * variance
