"""How often something came true, and how sure one may be of it when it comes in clusters."""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
OVERLAP = 0.25
"""The correlation of neighbouring blocks of so many nights as a forecast looks ahead: of what moves the days after each
night the sums over the nights of two such blocks share a quarter of their variance."""


@dataclass(frozen=True, slots=True)
class HitRate:
    rate: float
    lower: float
    upper: float
    effective_size: float
    """As many independent trials would be as certain."""


def hit_rate(
    *,
    clusters: int,
    hits: float,
    size: float,
    hits_squared: float,
    cross: float,
    squared: float,
    shared: float = 0.0,
) -> HitRate:
    """The rate with its 95 % interval, from sums over clusters of trials that go together (the assets of a day).

    `hits` and `size` are the sums of hits h and trials n, `hits_squared`, `cross` and `squared` those of h h, h n and
    n n. The interval is Wilson's (1927, JASA 22) for the effective number of trials: Kish (1965), Survey Sampling, with
    the variance of a ratio of cluster totals. Few clusters know it badly, so that it is read by Student's t: Korn and
    Graubard (1998), Survey Methodology 24. `shared` is the correlation of each cluster with the one before it. Where
    all or none hit, or in one cluster, a cluster is one trial.
    """
    if size <= 0 or clusters < 1:
        raise ValueError("a rate of nothing")
    rate = hits / size
    alone = rate * (1 - rate) / size
    if clusters < 2 or alone <= 0:
        effective = float(clusters)
    else:
        spread = max(hits_squared - 2 * rate * cross + rate * rate * squared, 0.0)
        clustered = (1 + 2 * shared) * clusters / (clusters - 1) * spread / (size * size)
        effective = size if clustered <= alone else size * alone / clustered
        effective *= (Z_95 / _student(clusters - 1)) ** 2
    lower, upper = wilson(rate, effective)
    return HitRate(rate, lower, upper, effective)


def wilson(rate: float, size: float) -> tuple[float, float]:
    """The 95 % interval of a rate that was seen in so many independent trials."""
    shrink = 1 + Z_95**2 / size
    middle = (rate + Z_95**2 / (2 * size)) / shrink
    reach = Z_95 / shrink * sqrt(rate * (1 - rate) / size + Z_95**2 / (4 * size * size))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _student(degrees: int) -> float:
    """The quantile of Student's t that stands where `Z_95` does in a normal law, by the expansion of Cornish and Fisher
    (Abramowitz and Stegun 1964, 26.7.5): to 0.04 from two degrees on, 11.3 instead of 12.7 for one."""
    z = Z_95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum((term / degrees**power for power, term in enumerate(terms, start=1)), start=0.0)
