"""Every asset of a day, once all are measured: ranked, scored and explained together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.quant import features, ridge, scoring
from risk.quant.arrays import BoolArray, FloatArray, IntArray
from risk.quant.attribution import with_terms
from risk.quant.conformal import Calibration
from risk.quant.eligibility import Standing
from risk.quant.features import FEATURES, Component
from risk.quant.learning import COVERAGES, Learnt, buckets
from risk.quant.measurement import Measured
from risk.quant.score_map import ANCHORS, BAND_LIMITS
from risk.quant.scoring import Scores

NOT_MEASURABLE = "not_measurable"
CAUSES = (
    "base",
    *(str(component) for component in Component),
    "stablecoin_floor",
    "death",
    "staleness",
    "news",
    "pump",
    "peg",
    "wrapping",
)
"""The names of a score's parts, in the order in which they add up."""
STALE_FLOOR = BAND_LIMITS[0][0]
"""Points that a stale price has at least, those at which the band "low" is over: nobody has seen that it is calm."""
_IS_LIQUIDITY = np.array([feature.component is Component.LIQUIDITY for feature in FEATURES])


@dataclass(frozen=True, slots=True)
class Compared:
    """What the others say of everybody's measurements."""

    values: FloatArray
    judged: FloatArray
    """The values that ranks are made of: a stale price is the least liquid of the day, whatever its volumes say."""
    bucket: NDArray[np.str_]
    """Size and length of history; empty for those that were not measured."""
    percentiles: FloatArray
    """Of each measurement among the ordinary assets of the day, 0 to 100; it rises with risk."""


def compared(found: Measured) -> Compared:
    """All assets of a day, once all are measured."""
    rows = np.flatnonzero(found.is_measured)
    is_ordinary = found.is_ordinary
    values = found.values.copy()
    names = np.full(len(found), "", dtype="U32")
    if rows.size:
        values[rows], size = features.together(
            found.values[rows], found.returns[rows], found.market_cap[rows], is_ordinary=is_ordinary[rows]
        )
        names[rows] = buckets(size, found.returns[rows])
    judged = np.where(found.is_stale[:, None] & _IS_LIQUIDITY, np.inf, values)
    ranked = np.full(values.shape, np.nan)
    ranked[is_ordinary] = 100 * ridge.ranks(judged[is_ordinary])
    return Compared(values, judged, names, ranked)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of each asset beside its prices, in the order of `Measured`."""

    news: FloatArray
    """Deviations by which its news are worse than usual; NaN where too little is known of them."""
    held_at: FloatArray
    """The score below which it is not let, for it was pumped lately; NaN for most."""
    underlying: IntArray
    """The row of the asset that it stands for; -1 for most."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a model's parameters say of the score after the forecast."""

    floor_of_stablecoins: float
    sentiment_cap: float
    sentiment_from: float
    sentiment_full: float


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything of a day; rows in the order of `Measured`, NaN where there is no score."""

    log_volatility: FloatArray
    """Log of sigma*, the forecast before any rule."""
    score: FloatArray
    percentile: FloatArray
    points: FloatArray
    """Assets x `CAUSES`; they add up to the score."""
    intervals: dict[float, tuple[FloatArray, FloatArray, FloatArray, FloatArray]]
    """By coverage: low and high of the score, low and high of the percentile."""
    estimation: dict[float, tuple[FloatArray, FloatArray]]
    """By coverage: low and high of what the score estimates. Not where the risk will lie, which is the wider ones'."""


def scored(found: Measured, beside: Compared, learnt: Learnt, *, facts: Facts, rules: Rules) -> Scored:
    """Rank, forecast, score and explain everybody of a day."""
    is_stablecoin = found.standing == Standing.STABLECOIN
    is_dead = found.standing == Standing.DEAD
    inputs = scoring.inputs(beside.judged, ranked_among=found.is_ordinary)
    plain = scoring.score(
        learnt.model,
        inputs,
        is_stablecoin=is_stablecoin,
        is_dead=is_dead,
        floor_of_stablecoins=rules.floor_of_stablecoins,
    )
    least = np.where(found.is_stale & ~is_dead, STALE_FLOOR, 0.0)
    final = _with_rules(plain, facts, rules, least, found.peg_distance, is_dead)
    # Sums of floats may stray from the range by their last digit.
    score = np.clip(final.score, least, 100.0)
    percentile = final.percentile
    points = np.column_stack([np.full(len(found), final.attribution.base), final.attribution.contributions])
    shift = score - ANCHORS.score(plain.log_volatility)
    intervals, estimation = {}, {}
    for place, coverage in enumerate(COVERAGES[::-1]):
        # An estimate that is too high by so much in a share of cases is of something that is lower by so much.
        low, high = (ANCHORS.score(plain.log_volatility - found.errors[:, end]) + shift for end in (-1 - place, place))
        estimation[coverage] = (np.clip(low, 0.0, score), np.clip(high, score, 100.0))
    for coverage in COVERAGES:
        # Of what will be realised, which no rule changes: a score that a rule has raised only widens it.
        reach = _reach(learnt.log_volatility[coverage], beside.bucket)
        low, high = (ANCHORS.score(plain.log_volatility + side * reach) for side in (-1, 1))
        width = _reach(learnt.percentile[coverage], beside.bucket)
        intervals[coverage] = (
            np.clip(low, 0.0, score),
            np.clip(high, score, 100.0),
            np.clip(plain.percentile - width, 0.0, percentile),
            np.clip(plain.percentile + width, percentile, 100.0),
        )
    return Scored(plain.log_volatility, score, percentile, points, intervals, estimation)


def unlearnt(found: Measured) -> Scored:
    """What is known of a day without a model: the hundred of the dead, which no model gives them, and their place among
    all whose risk is measured, for no model puts anybody above them."""
    is_dead = found.standing == Standing.DEAD
    nothing = np.full(len(found), np.nan)
    points = np.full((len(found), len(CAUSES)), np.nan)
    points[is_dead] = 0.0
    points[is_dead, CAUSES.index("death")] = 100.0
    score = np.where(is_dead, 100.0, np.nan)
    is_known = ~np.isnan(found.values[:, 0])
    order = np.where(is_dead, np.inf, np.where(is_known, 0.0, np.nan))
    percentile = np.where(is_dead, 100 * ridge.ranks(order[:, None])[:, 0], np.nan)
    return Scored(
        nothing,
        score,
        percentile,
        points,
        dict.fromkeys(COVERAGES, (nothing, nothing, nothing, nothing)),
        dict.fromkeys(COVERAGES, (nothing, nothing)),
    )


def _with_rules(
    plain: Scores, facts: Facts, rules: Rules, least: FloatArray, peg_distance: FloatArray, is_dead: BoolArray
) -> Scores:
    """Stale prices, news, held scores, broken pegs and wrappings: each only ever raises a score, and is a cause of its
    own."""
    staleness = np.where(least > 0, np.maximum(least - plain.score, 0.0), 0.0)
    score = plain.score + staleness
    badness = (facts.news - rules.sentiment_from) / (rules.sentiment_full - rules.sentiment_from)
    news = np.minimum(rules.sentiment_cap * np.clip(np.nan_to_num(badness), 0.0, 1.0), 100.0 - score)
    news = np.where(is_dead, 0.0, np.maximum(news, 0.0))
    held = np.maximum(np.nan_to_num(facts.held_at - score - news, nan=0.0), 0.0)
    held = np.where(is_dead, 0.0, held)
    so_far = score + news + held
    peg = np.where(is_dead, 0.0, np.maximum(np.nan_to_num(_of_broken_peg(peg_distance) - so_far, nan=0.0), 0.0))
    so_far = so_far + peg
    wrapping = _of_underlying(so_far, facts.underlying) - so_far
    unknown = np.isnan(score)
    terms = np.where(unknown[:, None], np.nan, np.column_stack([staleness, news, held, peg, wrapping]))
    total = np.clip(so_far + wrapping, 1e-9, 100.0 - 1e-9)
    raised = np.nan_to_num(staleness + news + held + peg + wrapping) > 0
    order = np.where(raised & ~is_dead, np.fmax(plain.order, ANCHORS.log_volatility(total)), plain.order)
    return Scores(plain.log_volatility, order, with_terms(plain.attribution, terms))


def _of_broken_peg(distance: FloatArray) -> FloatArray:
    """The score of the volatility at which the way back to the peg is a usual move of 30 days.

    A peg that has broken and lies still is calm and not safe: it may come back, or break for good.
    """
    with np.errstate(divide="ignore"):
        return ANCHORS.score(np.log(distance * np.sqrt(features.DAYS_A_YEAR / features.HORIZON)))


def _of_underlying(score: FloatArray, underlying: IntArray) -> FloatArray:
    """The scores, none below that of what the asset stands for, which may stand for another one itself."""
    raised = score
    for _ in range(len(score)):
        other = np.where(underlying >= 0, raised[underlying], np.nan)
        # Who has no score stays without one, and takes nothing from whoever has none.
        higher = np.where(other > raised, other, raised)
        if np.array_equal(higher, raised, equal_nan=True):
            break
        raised = higher
    return raised


def _reach(calibration: Calibration, bucket: NDArray[np.str_]) -> FloatArray:
    return np.array([calibration.of(name) for name in bucket.tolist()], dtype=np.float64)
