"""Whether a value at risk was exceeded as often as it said, and without pattern."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import chdtrc, xlogy
from scipy.stats import binom

from risk.quant.arrays import BoolArray, FloatArray, IntArray

DQ_LAGS = 4


@dataclass(frozen=True, slots=True)
class CoverageTest:
    """A value a series: likelihood ratio or Wald statistic and its asymptotic p-value; NaN where it cannot be said."""

    statistic: FloatArray
    p_value: FloatArray
    exceedances: IntArray
    observations: IntArray


def kupiec(exceedances: IntArray, observations: IntArray, *, level: float) -> CoverageTest:
    """Proportion of failures, chi-square with one degree of freedom; Kupiec (1995), J. Derivatives 3."""
    x, n = np.asarray(exceedances, dtype=np.float64), np.asarray(observations, dtype=np.float64)
    p = 1 - level
    share = np.divide(x, n, out=np.full_like(x, np.nan), where=n > 0)
    statistic = 2 * (_log_likelihood(x, n, share) - _log_likelihood(x, n, p))
    return CoverageTest(
        statistic, chdtrc(1, np.maximum(statistic, 0.0)), np.asarray(exceedances), np.asarray(observations)
    )


def independence(is_exceeded: BoolArray) -> CoverageTest:
    """Whether an exceedance makes the next one likelier, chi-square with one degree; Christoffersen (1998), IER 39."""
    before, after = is_exceeded[:, :-1], is_exceeded[:, 1:]
    n00, n01 = (~before & ~after).sum(axis=1), (~before & after).sum(axis=1)
    n10, n11 = (before & ~after).sum(axis=1), (before & after).sum(axis=1)
    total = n00 + n01 + n10 + n11
    share, after_none, after_one = (
        np.divide(x, n, out=np.zeros(len(total)), where=n > 0)
        for x, n in ((n01 + n11, total), (n01, n00 + n01), (n11, n10 + n11))
    )
    statistic = 2 * (
        _log_likelihood(n01, n00 + n01, after_none)
        + _log_likelihood(n11, n10 + n11, after_one)
        - _log_likelihood(n01 + n11, total, share)
    )
    return CoverageTest(
        statistic,
        chdtrc(1, np.maximum(statistic, 0.0)),
        is_exceeded.sum(axis=1),
        np.full(len(is_exceeded), is_exceeded.shape[1]),
    )


def conditional_coverage(is_exceeded: BoolArray, *, level: float) -> CoverageTest:
    """Both together, chi-square with two degrees; Christoffersen (1998)."""
    apart = independence(is_exceeded)
    often = kupiec(apart.exceedances, apart.observations, level=level)
    statistic = often.statistic + apart.statistic
    return CoverageTest(statistic, chdtrc(2, np.maximum(statistic, 0.0)), apart.exceedances, apart.observations)


def dynamic_quantile(is_exceeded: BoolArray, value_at_risk: FloatArray, *, level: float) -> CoverageTest:
    """Whether past exceedances or the VaR itself foretell the next one; Engle and Manganelli (2004), JBES 22.

    Wald test of the regression of the hits less 1 - level on a constant, four lags and the VaR: chi-square with six
    degrees. NaN where the regressors are collinear. At 99 % two years have seven hits, and chi-square is far from the
    law of the statistic: `simulated_dynamic_quantile`.
    """
    p = 1 - level
    hits = is_exceeded.astype(np.float64) - p
    days = hits.shape[1]
    x = np.empty((len(hits), DQ_LAGS + 2, max(days - DQ_LAGS, 0)))
    x[:, 0], x[:, -1] = 1.0, value_at_risk[:, DQ_LAGS:]
    for lag in range(1, DQ_LAGS + 1):
        x[:, lag] = hits[:, DQ_LAGS - lag : days - lag]
    gram = x @ x.transpose(0, 2, 1)
    # Scale does not change the statistic, but the condition of the equations.
    scale = np.sqrt(gram.diagonal(axis1=1, axis2=2))
    scale = np.where(scale > 0, scale, 1.0)[:, :, None]
    gram = gram / (scale * scale.transpose(0, 2, 1))
    moment = x @ hits[:, DQ_LAGS:, None] / scale
    regular = np.linalg.cond(gram) < 1e12
    gram = np.where(regular[:, None, None], gram, np.eye(x.shape[1]))
    statistic = (moment * np.linalg.solve(gram, moment)).sum(axis=(1, 2)) / (p * level)
    statistic = np.where(regular, statistic, np.nan)
    return CoverageTest(
        statistic, chdtrc(x.shape[1], statistic), is_exceeded.sum(axis=1), np.full(len(is_exceeded), days)
    )


def simulated_dynamic_quantile(
    is_exceeded: BoolArray, value_at_risk: FloatArray, *, level: float, chances: FloatArray
) -> float:
    """The p-value of that statistic of one series by the law that it has, rather than by chi-square.

    Of a true model the hits are independent and of known rate, so that they can be drawn: Dufour (2006), J.
    Econometrics 133. `chances` are uniform, draws x at least as many days; with 99 of them a test of 5 % has that size.
    NaN where there is no statistic; draws without one are left out.
    """
    drawn = chances[:, : is_exceeded.size] < 1 - level
    everything = np.vstack([is_exceeded, drawn])
    risks = np.broadcast_to(value_at_risk, everything.shape)
    statistics = dynamic_quantile(everything, risks, level=level).statistic
    own, others = statistics[0], statistics[1:][~np.isnan(statistics[1:])]
    return float("nan") if np.isnan(own) else (1 + np.count_nonzero(others >= own)) / (1 + others.size)


class Zone(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class TrafficLight:
    """`cumulative` is the chance of so many exceedances or fewer under a true model; `multiplier` the Basel III one."""

    zone: Zone
    cumulative: float
    multiplier: float


MULTIPLIERS = (1.5, 1.5, 1.5, 1.5, 1.5, 1.7, 1.76, 1.83, 1.88, 1.92, 2.0)


def traffic_light(exceedances: int) -> TrafficLight:
    """Of 250 days at 99 %: yellow from a cumulative chance of 95 %, red from 99.99 %; Basel Committee (1996), (2019)
    MAR32."""
    cumulative = float(binom.cdf(exceedances, 250, 0.01))
    zone = Zone.GREEN if cumulative < 0.95 else Zone.YELLOW if cumulative < 0.9999 else Zone.RED
    return TrafficLight(zone, cumulative, MULTIPLIERS[min(exceedances, len(MULTIPLIERS) - 1)])


def _log_likelihood(x: FloatArray | IntArray, n: FloatArray | IntArray, p: FloatArray | float) -> FloatArray:
    """Of x successes in n, with 0 log 0 = 0."""
    return np.asarray(xlogy(x, p) + xlogy(n - x, 1 - np.asarray(p)))
