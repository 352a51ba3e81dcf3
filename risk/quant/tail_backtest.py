"""One-day value at risk and expected shortfall as they would have been forecast: parameters every 30 days, variances
every day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.quant import garch
from risk.quant.arrays import BoolArray, FloatArray, median_deviations, medians
from risk.quant.coverage_tests import conditional_coverage, kupiec
from risk.quant.ewma import ewma
from risk.quant.features import GARCH_FREE_FROM, GARCH_FROM, LEVELS, prior_of
from risk.quant.returns import WINSOR_DEVIATIONS, Returns
from risk.quant.shortfall_tests import acerbi_szekely, fz0_loss
from risk.quant.tail_risk import Method, TailRisk, combined, ewma_filtered, garch_filtered, garch_student

METHODS = (Method.COMBINED, Method.EWMA_FILTERED, Method.GARCH_FILTERED, Method.GARCH_STUDENT)
DECAY = 0.94
SIZE = 0.05
"""Of the tests that an asset passes or not."""
FEWEST = 100
"""Forecasts of an asset below which a test of it alone says nothing."""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Of assets x days, by method; NaN where there is none. Log losses."""

    losses: FloatArray
    value_at_risk: Mapping[tuple[Method, float], FloatArray]
    expected_shortfall: Mapping[tuple[Method, float], FloatArray]


@dataclass(frozen=True, slots=True)
class Result:
    """How one method fared at one level over all assets and days."""

    method: str
    level: float
    forecasts: int
    exceedances: int
    rate: float
    expected_rate: float
    kupiec_passed: float
    christoffersen_passed: float
    """Shares of the assets with at least 100 forecasts that pass at 5 %."""
    tested_assets: int
    shortfall_statistic: float
    fz0: float
    """Mean over days of the mean over assets; losses in percent."""


def forecast(past: Returns, after: FloatArray) -> Forecasts:
    """The days of `after` (assets x days, log returns) by what was known at the end of `past`, day after day.

    What is learnt ends with `past`; variances go on with each day that has happened, winsorised as it is then known.
    """
    kept = past.winsorised()
    packed, actual = kept.sequences(), past.sequences()
    recent = ewma(packed, decay=DECAY)
    fits = garch.fit(packed, fewest=GARCH_FREE_FROM)
    prior = prior_of(fits)
    if prior is not None:
        middle = np.flatnonzero((packed.size >= GARCH_FROM) & (packed.size < GARCH_FREE_FROM))
        fits = fits.replaced(middle, garch.fit(packed.take(middle), prior=prior, fewest=GARCH_FROM))
    filtered = garch.filtered(packed, fits, actual=actual.values)
    happened = actual.masked()
    limits = _limits(past.values)
    variances = {
        "ewma": _path_of_ewma(recent.next_variance, after, limits),
        "garch": _path_of_garch(fits, filtered.next_variance, after, limits),
    }
    shift = np.where(np.isnan(fits.mean), 0.0, fits.mean)
    at_risk: dict[tuple[Method, float], FloatArray] = {}
    shortfall: dict[tuple[Method, float], FloatArray] = {}
    for level in LEVELS:
        parts = (
            ewma_filtered(happened, recent, level=level),
            garch_filtered(fits, filtered, level=level),
            garch_student(fits, filtered, level=level),
        )
        single = {
            Method.EWMA_FILTERED: _scaled(parts[0], recent.next_variance, variances["ewma"], np.zeros(len(shift))),
            Method.GARCH_FILTERED: _scaled(parts[1], filtered.next_variance, variances["garch"], shift),
            Method.GARCH_STUDENT: _scaled(parts[2], filtered.next_variance, variances["garch"], shift),
        }
        is_full = combined(*parts).method == Method.COMBINED
        for index, found in enumerate((at_risk, shortfall)):
            for method, values in single.items():
                found[method, level] = values[index]
            mean = sum(values[index] for values in single.values()) / 3
            alone = single[Method.EWMA_FILTERED][index]
            found[Method.COMBINED, level] = np.where(is_full[:, None], mean, alone)
    return Forecasts(-after, at_risk, shortfall)


def joined(blocks: Sequence[Forecasts]) -> Forecasts:
    """Blocks of days of the same assets, one after the other."""
    keys = blocks[0].value_at_risk
    return Forecasts(
        np.hstack([block.losses for block in blocks]),
        {key: np.hstack([block.value_at_risk[key] for block in blocks]) for key in keys},
        {key: np.hstack([block.expected_shortfall[key] for block in blocks]) for key in keys},
    )


def judge(found: Forecasts) -> list[Result]:
    """Every method at every level."""
    return [_result(found, method, level) for method in METHODS for level in LEVELS]


def _result(found: Forecasts, method: Method, level: float) -> Result:
    at_risk, shortfall = found.value_at_risk[method, level], found.expected_shortfall[method, level]
    known = ~np.isnan(found.losses) & ~np.isnan(at_risk) & ~np.isnan(shortfall)
    with np.errstate(invalid="ignore"):
        beyond = known & (found.losses > at_risk)
    total = int(known.sum())
    counts = known.sum(axis=1)
    tested = np.flatnonzero(counts >= FEWEST)
    often = kupiec(beyond[tested].sum(axis=1), counts[tested], level=level)
    patterns = np.array([_pattern(beyond[row], known[row], level) for row in tested.tolist()])
    loss = fz0_loss(100 * found.losses, 100 * at_risk, 100 * shortfall, level=level)
    seen = ~np.isnan(loss)
    per_day = np.where(seen, loss, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    statistic = acerbi_szekely(found.losses, at_risk, shortfall, level=level)
    return Result(
        str(method),
        level,
        total,
        int(beyond.sum()),
        float(beyond.sum() / total) if total else float("nan"),
        1 - level,
        _share(often.p_value > SIZE),
        _share(patterns > SIZE),
        len(tested),
        statistic,
        float(per_day[seen.any(axis=0)].mean()) if seen.any() else float("nan"),
    )


def _pattern(beyond: BoolArray, known: BoolArray, level: float) -> float:
    return float(conditional_coverage(beyond[known][None], level=level).p_value[0])


def _share(passed: BoolArray) -> float:
    return float(passed.mean()) if passed.size else float("nan")


def _scaled(tail: TailRisk, variance: FloatArray, path: FloatArray, shift: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The tail of tomorrow for each later day: the same residuals, times the risk of that day."""
    ratio = np.sqrt(path / variance[:, None])
    return (
        (tail.value_at_risk + shift)[:, None] * ratio - shift[:, None],
        (tail.expected_shortfall + shift)[:, None] * ratio - shift[:, None],
    )


def _limits(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    middle = medians(values)
    reach = WINSOR_DEVIATIONS * median_deviations(values)
    reach = np.where(reach > 0, reach, np.inf)
    return middle - reach, middle + reach


def _path_of_ewma(variance: FloatArray, after: FloatArray, limits: tuple[FloatArray, FloatArray]) -> FloatArray:
    path = np.empty_like(after)
    for day in range(after.shape[1]):
        path[:, day] = variance
        move = np.clip(after[:, day], *limits)
        variance = np.where(np.isnan(move), variance, DECAY * variance + (1 - DECAY) * move**2)
    return path


def _path_of_garch(
    fits: garch.GarchFit, variance: FloatArray, after: FloatArray, limits: tuple[FloatArray, FloatArray]
) -> FloatArray:
    path = np.empty_like(after)
    for day in range(after.shape[1]):
        path[:, day] = variance
        error = np.clip(after[:, day], *limits) - fits.mean
        moved = fits.omega + fits.alpha * error**2 + fits.beta * variance
        variance = np.where(np.isnan(error), variance, moved)
    return path
