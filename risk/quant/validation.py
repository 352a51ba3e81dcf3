"""How well forecasts order the assets of a day by risk, beside simpler orders: docs/risk/protocol.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray
from risk.quant.outcomes import Outcomes
from risk.quant.random_numbers import Stream
from risk.quant.ranking import area_under_curve, block_interval, monotone_steps, spearman, tenths

OURS, BENCHMARK = "score", "ewma"
BLOCK, RESAMPLES = 3, 2_000
METRICS = ("rho_volatility", "rho_shortfall", "rho_drawdown", "auc_fall", "monotone_steps", "fall_rate_difference")


Promise = tuple[str, float]
"""What an interval is of, and how often it is to hold."""


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """The assets of a day with a known outcome: what each order said, and what came."""

    quarter: str
    orders: Mapping[str, FloatArray]
    volatility: FloatArray
    shortfall: FloatArray
    drawdown: FloatArray
    has_fallen: FloatArray
    is_inside: Mapping[Promise, BoolArray]
    """Whether what came was inside the interval of its asset."""
    width: Mapping[Promise, FloatArray]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of one metric: ours less the benchmark's, averaged over dates, with a 90 % interval."""

    mean: float
    low: float
    high: float
    share_of_dates: float
    """On which ours is better."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals held, on the whole and by quarter, and how wide they were."""

    share: float
    by_quarter: Mapping[str, float]
    width: float


@dataclass(frozen=True, slots=True)
class Report:
    """Means over dates of each order's metrics, what separates ours from the benchmark, and the intervals."""

    dates: int
    outcomes: int
    fall_rate: float
    metrics: Mapping[str, Mapping[str, float]]
    pooled_auc: Mapping[str, float]
    against_benchmark: Mapping[str, Comparison]
    coverage: Mapping[Promise, Coverage]

    @property
    def lost(self) -> list[str]:
        """The metrics on which the benchmark is better than ours."""
        return [name for name, found in self.against_benchmark.items() if found.mean < 0]


def judged(
    orders: Mapping[str, FloatArray],
    came: Outcomes,
    *,
    quarter: str,
    realised: Mapping[str, FloatArray],
    intervals: Mapping[Promise, tuple[FloatArray, FloatArray]],
) -> JudgedDay:
    """One day; `realised` is the risk that came, in the unit of each kind of interval.

    Only assets with an outcome that ours and the benchmark both know count; another order leaves out what it misses.
    """
    rows = np.flatnonzero(came.is_known & ~np.isnan(orders[OURS]) & ~np.isnan(orders[BENCHMARK]))
    return JudgedDay(
        quarter,
        {name: order[rows] for name, order in orders.items()},
        came.volatility[rows],
        came.expected_shortfall[rows],
        came.drawdown[rows],
        came.has_fallen[rows],
        {
            (of, level): np.asarray((low[rows] <= realised[of][rows]) & (realised[of][rows] <= high[rows]))
            for (of, level), (low, high) in intervals.items()
        },
        {promise: high[rows] - low[rows] for promise, (low, high) in intervals.items()},
    )


def report(days: Sequence[JudgedDay], *, stream: Stream) -> Report:
    """Of several days; the dates are the observations, for assets of one day are not independent."""
    names = list(days[0].orders)
    by_date = {name: np.array([_metrics(day, name) for day in days]) for name in names}
    fallen = np.concatenate([day.has_fallen for day in days])
    difference = by_date[OURS] - by_date[BENCHMARK]
    against = {}
    for column, metric in enumerate(METRICS):
        values = difference[:, column]
        known = values[~np.isnan(values)]
        low, high = block_interval(values, block=BLOCK, resamples=RESAMPLES, stream=stream, coverage=0.9)
        against[metric] = Comparison(_mean(known), low, high, _mean((known > 0).astype(np.float64)))
    return Report(
        dates=len(days),
        outcomes=sum(day.volatility.size for day in days),
        fall_rate=_mean(fallen[~np.isnan(fallen)]),
        metrics={
            name: {metric: _mean(column[~np.isnan(column)]) for metric, column in zip(METRICS, values.T, strict=True)}
            for name, values in by_date.items()
        },
        pooled_auc={
            name: area_under_curve(np.concatenate([day.orders[name] for day in days]), fallen) for name in names
        },
        against_benchmark=against,
        coverage={promise: _coverage(days, promise) for promise in days[0].is_inside},
    )


def _coverage(days: Sequence[JudgedDay], promise: Promise) -> Coverage:
    """Each outcome counts once, on the whole and within its quarter."""
    quarters = sorted({day.quarter for day in days})

    def share(chosen: Sequence[JudgedDay]) -> float:
        return _mean(np.concatenate([day.is_inside[promise] for day in chosen]).astype(np.float64))

    return Coverage(
        share(days),
        {quarter: share([day for day in days if day.quarter == quarter]) for quarter in quarters},
        _mean(np.concatenate([day.width[promise] for day in days])),
    )


def _metrics(day: JudgedDay, name: str) -> list[float]:
    order = day.orders[name]
    falls = tenths(order, day.has_fallen)
    return [
        spearman(order, day.volatility),
        spearman(order, day.shortfall),
        spearman(order, day.drawdown),
        area_under_curve(order, day.has_fallen),
        monotone_steps(tenths(order, day.volatility)),
        float(falls[-1] - falls[0]),
    ]


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else float("nan")
