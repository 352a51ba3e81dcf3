"""How forecasts of the tail fared against what happened: docs/risk/protocol.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import isnan

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray
from risk.quant.coverage_tests import (
    Zone,
    conditional_coverage,
    dynamic_quantile,
    kupiec,
    simulated_dynamic_quantile,
    traffic_light,
)
from risk.quant.features import LEVELS
from risk.quant.forecast_comparison import (
    DieboldMariano,
    diebold_mariano,
    long_run_variance,
    model_confidence_set,
    newey_west_lags,
)
from risk.quant.hit_rate import wilson
from risk.quant.random_numbers import Stream
from risk.quant.shortfall_tests import acerbi_szekely, fz0_loss
from risk.quant.tail_forecasts import BASELINES, METHODS, Forecasts
from risk.quant.tail_risk import Method

SIZE = 0.05
"""Of the tests that an asset passes or not."""
FEWEST = 100
"""Forecasts of an asset below which a test of it alone says nothing."""
BENCHMARK = Method.EWMA_FILTERED
"""Whose FZ0 loss the others are compared with: what is usually done without estimating a model."""
CONFIDENCE_SET_SIZE = 0.1
DRAWS, SETS = 99, 20
"""Of hits as they would be under a true model. The assets take the sets in turn: with the same draws all of them would
pass or fail by the same luck."""
LIGHT_DAYS, LIGHT_LEVEL = 250, 0.99
"""What the traffic light of Basel looks at."""
SEED = 1


@dataclass(frozen=True, slots=True)
class Result:
    """How one method fared at one level over all assets and days; None where it cannot be told."""

    method: str
    baseline: bool
    """Displayed beside the methods, never used."""
    level: float
    forecasts: int
    exceedances: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    """95 % interval of the rate that allows for the dependence of assets on a day and of days near each other."""
    expected_rate: float
    tested_assets: int
    """Those with at least 100 forecasts, of which shares pass each test at 5 %."""
    kupiec_passed: float | None
    christoffersen_passed: float | None
    dynamic_quantile_assets: int
    """Those among them whose regression can be solved: not where nothing was ever exceeded."""
    dynamic_quantile_passed: float | None
    simulated_dynamic_quantile_passed: float | None
    """The same test by the law that its statistic has with so few exceedances."""
    traffic_light_assets: int
    """Those with at least 250 forecasts, at 99 % alone; the shares are by the exceedances of their last 250."""
    traffic_light_green: float | None
    traffic_light_yellow: float | None
    traffic_light_red: float | None
    shortfall_statistic: float | None
    compared_forecasts: int
    """Those that every method made: all that follows is of them."""
    fz0: float | None
    """Mean over days of the mean over assets; losses in percent."""
    fz0_difference: float | None
    """To that of EWMA-filtered simulation; negative: this one loses less."""
    fz0_p_value: float | None
    """Of the difference, two-sided; Diebold and Mariano with HAC variance, on means of days."""
    confidence_set_p_value: float | None
    in_confidence_set: bool | None
    """Whether the 10 % model confidence set of all methods, on means of days, keeps it."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """What a method lost on the forecasts that every method made, beside the benchmark."""

    forecasts: int
    fz0: float
    difference: DieboldMariano
    confidence_set_p_value: float


def judge(found: Forecasts) -> list[Result]:
    """Every method and baseline at every level."""
    beside = {level: _comparisons(found, level) for level in LEVELS}
    everything = product((*METHODS, *BASELINES), LEVELS)
    # A row a day, so that the chances of a day do not depend on how many there are.
    longest = int(np.unique(found.asset, return_counts=True)[1].max(initial=0))
    chances = Stream(SEED, 1).uniforms((longest, SETS, DRAWS)).transpose(1, 2, 0)
    return [_result(found, method, level, beside[level].get(method), chances) for method, level in everything]


def _result(found: Forecasts, method: Method, level: float, beside: _Compared | None, chances: FloatArray) -> Result:
    at_risk, shortfall = found.value_at_risk[method, level], found.expected_shortfall[method, level]
    known = np.flatnonzero(~np.isnan(at_risk) & ~np.isnan(shortfall))
    at_risk, shortfall, came = at_risk[known], shortfall[known], found.losses[known]
    beyond = came > at_risk
    total = len(known)
    low, high = _rate_interval(beyond, found.day[known])
    # Where the next asset begins: each series is the forecasts of one in their order, whatever days are missing.
    border = np.flatnonzero(np.diff(found.asset[known])) + 1
    series = [hits for hits in np.split(beyond, border) if hits.size >= FEWEST]
    risks = [risk for risk in np.split(at_risk, border) if risk.size >= FEWEST]
    sizes, hits = (np.array([measure(one) for one in series], dtype=np.int64) for measure in (np.size, np.sum))
    often = kupiec(hits, sizes, level=level).p_value
    both = [conditional_coverage(one[None], level=level).p_value[0] for one in series]
    pairs = list(zip(series, risks, strict=True))
    dynamic = [dynamic_quantile(one[None], risk[None], level=level).p_value[0] for one, risk in pairs]
    simulated = [
        simulated_dynamic_quantile(one, risk, level=level, chances=chances[place % SETS])
        for place, (one, risk) in enumerate(pairs)
    ]
    told = [p for p in dynamic if not isnan(p)]
    last = [one[-LIGHT_DAYS:] for one in series if one.size >= LIGHT_DAYS] if level == LIGHT_LEVEL else []
    zones = [traffic_light(int(one.sum())).zone for one in last]
    return Result(
        method=str(method),
        baseline=method in BASELINES,
        level=level,
        forecasts=total,
        exceedances=int(beyond.sum()),
        rate=float(beyond.mean()) if total else None,
        rate_low=low,
        rate_high=high,
        expected_rate=1 - level,
        tested_assets=len(series),
        kupiec_passed=_share([p > SIZE for p in often]),
        christoffersen_passed=_share([p > SIZE for p in both]),
        dynamic_quantile_assets=len(told),
        dynamic_quantile_passed=_share([p > SIZE for p in told]),
        simulated_dynamic_quantile_passed=_share([p > SIZE for p in simulated if not isnan(p)]),
        traffic_light_assets=len(zones),
        traffic_light_green=_share([zone is Zone.GREEN for zone in zones]),
        traffic_light_yellow=_share([zone is Zone.YELLOW for zone in zones]),
        traffic_light_red=_share([zone is Zone.RED for zone in zones]),
        shortfall_statistic=acerbi_szekely(came, at_risk, shortfall, level=level) if total else None,
        compared_forecasts=beside.forecasts if beside else 0,
        fz0=beside.fz0 if beside else None,
        fz0_difference=beside.difference.mean_difference if beside else None,
        fz0_p_value=_known(beside.difference.p_value) if beside else None,
        confidence_set_p_value=beside.confidence_set_p_value if beside else None,
        in_confidence_set=beside.confidence_set_p_value > CONFIDENCE_SET_SIZE if beside else None,
    )


def _comparisons(found: Forecasts, level: float) -> dict[Method, _Compared]:
    """Of the methods that made forecasts at all, on those that each of them made; nothing where there are none."""
    losses = {}
    for method in (*METHODS, *BASELINES):
        shortfall = found.expected_shortfall[method, level]
        if not np.isnan(shortfall).all():
            at_risk = found.value_at_risk[method, level]
            losses[method] = fz0_loss(100 * found.losses, 100 * at_risk, 100 * shortfall, level=level)
    common = np.flatnonzero(~np.isnan(list(losses.values())).any(axis=0)) if losses else np.zeros(0, dtype=np.int64)
    if BENCHMARK not in losses or not common.size:
        return {}
    _, day, size = np.unique(found.day[common], return_inverse=True, return_counts=True)
    by_day = {method: np.bincount(day, weights=loss[common]) / size for method, loss in losses.items()}
    methods = list(by_day)
    chosen = model_confidence_set(np.stack(list(by_day.values())), stream=Stream(SEED))
    p_values = {methods[place]: p for place, p in zip(chosen.models, chosen.p_values, strict=True)}
    return {
        method: _Compared(common.size, float(daily.mean()), diebold_mariano(daily, by_day[BENCHMARK]), p_values[method])
        for method, daily in by_day.items()
    }


def _rate_interval(beyond: BoolArray, day: IntArray) -> tuple[float | None, float | None]:
    """Wilson's interval for as many independent trials as would be as certain as these.

    The rate is a ratio of sums over days, of hits and of forecasts; its variance is the long-run one of its
    linearisation: Kish (1965), Survey Sampling, with Newey and West (1987).
    """
    total = beyond.size
    rate = float(beyond.mean()) if total else 0.0
    if not 0 < rate < 1:
        return None, None
    _, place, size = np.unique(day, return_inverse=True, return_counts=True)
    days = size.size
    apart = (np.bincount(place, weights=beyond) - rate * size) / size.mean()
    variance = long_run_variance(apart, lags=newey_west_lags(days)) / days
    alone = rate * (1 - rate) / total
    return wilson(rate, total * min(1.0, alone / variance) if variance > 0 else total)


def _share(passed: Sequence[bool]) -> float | None:
    return sum(passed) / len(passed) if passed else None


def _known(value: float) -> float | None:
    return None if isnan(value) else value
