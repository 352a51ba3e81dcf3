"""Every asset of a day: judged and measured in parts, then ranked, scored and explained together."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypedDict
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray

from risk.quant import features, garch, ridge, scoring
from risk.quant.arrays import BoolArray, FloatArray, IntArray, last
from risk.quant.attribution import with_terms
from risk.quant.conformal import Calibration
from risk.quant.eligibility import Standing, eligibility
from risk.quant.estimation import Bootstrap
from risk.quant.features import FEATURES, LEVELS, NAMES, WINDOW, YEAR, Component, Market
from risk.quant.learning import COVERAGES, Learnt, buckets
from risk.quant.returns import believed
from risk.quant.score_map import ANCHORS, BAND_LIMITS
from risk.quant.scoring import Scores
from risk.quant.status import is_ok

CONTEXT_DAYS = YEAR
"""Of everybody, from which the index is made."""
REFERENCE_DAYS = WINDOW + 1
FAILED = "failed"
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
SHORT_HISTORY, SHORTEST_HISTORY = 250, 60
STALE_FLOOR = BAND_LIMITS[0][0]
"""Points that a stale price has at least, those at which the band "low" is over: nobody has seen that it is calm."""
ENDS = (0.05, 0.1, 0.9, 0.95)
"""Shares of the draws that the ends of the intervals of the estimate leave below."""

_LOGARITHMS = {"volatility": 1, "recent_volatility": 1, "lasting_volatility": 1, "price_impact": 1, "illiquidity": -1}
"""Features that are logs, and their signs."""
_IS_LIQUIDITY = np.array([feature.component is Component.LIQUIDITY for feature in FEATURES])


@dataclass(frozen=True, slots=True)
class Panel:
    """Daily values of some assets through one day, assets x days; NaN where nothing was seen."""

    asset_ids: IntArray
    first_day: int
    """Days since 1970-01-01 of the first column."""
    prices: FloatArray
    volumes: FloatArray
    market_caps: FloatArray
    sources: NDArray[np.int16]
    """Who said it; 0 where nothing was said."""

    def take(self, rows: IntArray | slice) -> "Panel":
        return Panel(
            self.asset_ids[rows],
            self.first_day,
            self.prices[rows],
            self.volumes[rows],
            self.market_caps[rows],
            self.sources[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence["Panel"]) -> "Panel":
        """All of them, which begin on the same day."""
        return cls(
            np.concatenate([part.asset_ids for part in parts]),
            parts[0].first_day,
            np.vstack([part.prices for part in parts]),
            np.vstack([part.volumes for part in parts]),
            np.vstack([part.market_caps for part in parts]),
            np.vstack([part.sources for part in parts]),
        )

    def until(self, day: int) -> "Panel":
        """What was known by the close of a day since 1970-01-01, of the first or later."""
        columns = day - self.first_day + 1
        return Panel(
            self.asset_ids,
            self.first_day,
            self.prices[:, :columns],
            self.volumes[:, :columns],
            self.market_caps[:, :columns],
            self.sources[:, :columns],
        )

    def last(self, days: int) -> "Panel":
        """The last so many days alone; nothing was seen before the first."""
        return Panel(
            self.asset_ids,
            self.first_day + self.prices.shape[1] - days,
            last(self.prices, days),
            last(self.volumes, days),
            last(self.market_caps, days),
            last(self.sources, days, missing=0),
        )

    def input_hashes(self) -> list[str]:
        """Of each asset, SHA-256 of all that is known of it: days, values and sources, as little-endian bytes."""
        days = np.arange(self.first_day, self.first_day + self.prices.shape[1], dtype="<i4")
        series = np.stack([self.prices, self.volumes, self.market_caps], axis=1).astype("<f8", copy=False)
        series[np.isnan(series)] = np.nan  # of the same bits
        seen = np.isfinite(series).any(axis=1)
        sources = self.sources.astype("<i2", copy=False)
        hashes = []
        for row, kept in enumerate(seen):
            digest = hashlib.sha256(days[kept].tobytes())
            digest.update(series[row].compress(kept, axis=1).tobytes())
            digest.update(sources[row, kept].tobytes())
            hashes.append(digest.hexdigest())
        return hashes


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of each asset before it is compared with others; a row an asset."""

    asset_ids: IntArray
    standing: NDArray[np.str_]
    """One of `Standing`, or `FAILED` with the reason in `error`."""
    error: NDArray[np.str_]
    is_pumped: BoolArray
    is_stale: BoolArray
    peg_distance: FloatArray
    """As in `Eligibility`."""
    bad_prints: IntArray
    observed: IntArray
    """Prices that are believed."""
    first_day: IntArray
    last_day: IntArray
    """Of these prices, days since 1970-01-01; -1 without any."""
    input_hash: NDArray[np.str_]
    values: FloatArray
    counts: IntArray
    market_cap: FloatArray
    beside: FloatArray
    """Assets x `features.BESIDE`."""
    beside_counts: IntArray
    returns: IntArray
    coordinates: FloatArray
    """Where the searches of long series ended; NaN for all others."""
    is_given: BoolArray
    """Whether a library found the parameters of its GARCH, for want of a top of the own search."""
    value_at_risk: FloatArray
    """Assets x `LEVELS`, log returns."""
    expected_shortfall: FloatArray
    value_at_risk_error: FloatArray
    expected_shortfall_error: FloatArray
    """Their standard errors, log returns; NaN where they are not known or nobody asked."""
    tail_method: NDArray[np.str_]
    tail_count: IntArray
    standard_errors: FloatArray
    """As in `features.Alone`."""
    basis: NDArray[np.str_]
    """One of `estimation.Basis`; empty where nobody asked."""
    errors: FloatArray
    """Assets x `ENDS`: quantiles of log sigma* less what it estimates."""

    def __len__(self) -> int:
        return len(self.asset_ids)

    @property
    def is_measured(self) -> BoolArray:
        return np.isin(self.standing, [str(Standing.ORDINARY), str(Standing.STABLECOIN)])

    @property
    def is_ordinary(self) -> BoolArray:
        """The ordinary assets with a volatility: those that are learnt from, and among which others are ranked."""
        return np.asarray((self.standing == Standing.ORDINARY) & ~np.isnan(self.values[:, 0]), dtype=np.bool_)

    def pack(self) -> bytes:
        """As bytes that hold every bit."""
        octets = io.BytesIO()
        # What numpy.savez_compressed makes, in less than half its time and a twentieth larger.
        with ZipFile(octets, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            for field in fields(self):
                with archive.open(f"{field.name}.npy", "w") as member:
                    np.lib.format.write_array(member, getattr(self, field.name), allow_pickle=False)
        return octets.getvalue()

    @classmethod
    def unpack(cls, octets: bytes) -> "Measured":
        with np.load(io.BytesIO(octets), allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    @classmethod
    def joined(cls, parts: Sequence["Measured"]) -> "Measured":
        """All of them, in this order."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )


def market(panel: Panel, *, reference: FloatArray | None) -> Market:
    """What a measurement needs to know of the market: index and tail of the ordinary assets whose prices are made
    daily, and bitcoin's returns.

    `panel` is the last `CONTEXT_DAYS` of everybody, `reference` the last `REFERENCE_DAYS` of bitcoin's prices.
    """
    judged = eligibility(panel.prices, panel.volumes)
    ordinary = np.flatnonzero(judged.standing == Standing.ORDINARY)
    made = ordinary[~judged.is_stale[ordinary]]
    index, pool = features.index_and_pool(judged.believed[made], panel.market_caps[made])
    if reference is None:
        return Market(index, np.full(len(index), np.nan), pool)
    return Market(index, features.reference_of(believed(reference[None])[0]), pool)


@dataclass(frozen=True, slots=True)
class Redraws:
    """By what the errors of estimation are found."""

    bootstrap: Bootstrap
    weights: FloatArray | None
    """Of `ESTIMATES` in log sigma*; None before a model has learnt them."""


def measured(
    panel: Panel,
    *,
    market: Market,
    prior: garch.Prior | None,
    input_hashes: Sequence[str] | None = None,
    redraws: Redraws | None = None,
) -> Measured:
    """Some assets, each of which is the same in any company; with the hashes of the panel, where they are kept, and
    with the errors of estimation, where they are asked for."""
    judged = eligibility(panel.prices, panel.volumes)
    prices = judged.believed
    column = np.arange(prices.shape[1])
    seen = ~np.isnan(prices)
    first = np.where(seen, column, column.size).min(axis=1, initial=column.size)
    last = np.where(seen, column, -1).max(axis=1, initial=-1)
    is_empty = judged.observations == 0
    blank = _blank(panel.asset_ids, input_hashes or [""] * len(panel.asset_ids), error="")
    result = replace(
        blank,
        standing=np.array([str(standing) for standing in judged.standing], dtype="U24"),
        is_pumped=judged.is_pumped,
        is_stale=judged.is_stale,
        peg_distance=judged.peg_distance,
        bad_prints=judged.bad_prints.sum(axis=1),
        observed=judged.observations.astype(np.int64),
        first_day=np.where(is_empty, -1, panel.first_day + first),
        last_day=np.where(is_empty, -1, panel.first_day + last),
    )
    rows = np.flatnonzero(result.is_measured)
    if not rows.size:
        return result
    alone = features.measure_alone(
        prices[rows],
        panel.volumes[rows],
        panel.market_caps[rows],
        market=market,
        prior=prior,
        is_stale=result.is_stale[rows],
        bootstrap=None if redraws is None else redraws.bootstrap,
    )
    is_long = is_ok(alone.fits.status) & (alone.observations >= features.GARCH_FREE_FROM)
    found = {
        "values": alone.values,
        "counts": alone.counts,
        "market_cap": alone.market_cap,
        "beside": alone.beside,
        "beside_counts": alone.beside_counts,
        "returns": alone.observations,
        "coordinates": np.where(is_long[:, None], alone.fits.coordinates, np.nan),
        "is_given": alone.fits.is_given,
        "value_at_risk": np.column_stack([tail.value_at_risk for tail in alone.tails]),
        "expected_shortfall": np.column_stack([tail.expected_shortfall for tail in alone.tails]),
        "tail_method": np.column_stack([tail.method for tail in alone.tails]).astype("U24"),
        "tail_count": np.column_stack([tail.observations for tail in alone.tails]),
        "standard_errors": alone.standard_errors,
    }
    if alone.errors is not None and redraws is not None:
        found["basis"] = np.array([str(basis) for basis in alone.errors.basis], dtype="U16")
        for kind, name in enumerate(("value_at_risk", "expected_shortfall")):
            # A mean above the losses makes gains of them, of which the error is no share.
            found[f"{name}_error"] = np.where(found[name] > 0, found[name] * alone.errors.tails[:, :, kind], np.nan)
        if redraws.weights is not None:
            found["errors"] = alone.errors.quantiles(redraws.weights, ENDS)
    for name, values in found.items():
        getattr(result, name)[rows] = values
    return result


def failed(asset_ids: Sequence[int], error: str) -> Measured:
    """Assets of which nothing could be worked out, and why."""
    return _blank(np.array(asset_ids, dtype=np.int64), [""] * len(asset_ids), error=error)


def _blank(asset_ids: IntArray, hashes: Sequence[str], *, error: str) -> Measured:
    size, levels = len(asset_ids), len(LEVELS)

    def nothing(*shape: int) -> FloatArray:
        return np.full(shape, np.nan)

    def none(*shape: int) -> IntArray:
        return np.zeros(shape, dtype=np.int64)

    return Measured(
        asset_ids=asset_ids.astype(np.int64),
        standing=np.full(size, FAILED, dtype="U24"),
        error=np.full(size, error, dtype="U200"),
        is_pumped=np.zeros(size, dtype=np.bool_),
        is_stale=np.zeros(size, dtype=np.bool_),
        peg_distance=nothing(size),
        bad_prints=none(size),
        observed=none(size),
        first_day=none(size) - 1,
        last_day=none(size) - 1,
        input_hash=np.array(hashes, dtype="U64"),
        values=nothing(size, len(FEATURES)),
        counts=none(size, len(FEATURES)),
        market_cap=nothing(size),
        beside=nothing(size, len(features.BESIDE)),
        beside_counts=none(size, len(features.BESIDE)),
        returns=none(size),
        coordinates=nothing(size, 5),
        is_given=np.zeros(size, dtype=np.bool_),
        value_at_risk=nothing(size, levels),
        expected_shortfall=nothing(size, levels),
        value_at_risk_error=nothing(size, levels),
        expected_shortfall_error=nothing(size, levels),
        tail_method=np.full((size, levels), "", dtype="U24"),
        tail_count=none(size, levels),
        standard_errors=nothing(size, len(FEATURES)),
        basis=np.full(size, "", dtype="U16"),
        errors=nothing(size, len(ENDS)),
    )


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


class Natural(TypedDict):
    """A measurement in a unit that a person knows."""

    name: str
    component: str
    value: float | None
    unit: str
    standard_error: float | None
    """In the same unit; None of a fact, and where it is not known."""
    n: int
    percentile: float | None


_UNITS: dict[str, tuple[str, str]] = {
    "volatility": ("volatility", "per_year"),
    "recent_volatility": ("recent_volatility", "per_year"),
    "lasting_volatility": ("lasting_volatility", "per_year"),
    "expected_shortfall": ("expected_shortfall_97_5", "log_return_per_day"),
    "tail_index": ("tail_index", "shape"),
    "worst_day": ("worst_day", "log_loss"),
    "drawdown": ("drawdown", "fraction"),
    "quarter_drawdown": ("quarter_drawdown", "fraction"),
    "conditional_drawdown": ("conditional_drawdown_95", "fraction"),
    "illiquidity": ("median_volume", "usd_per_day"),
    "price_impact": ("price_impact", "per_million_usd"),
    "zero_returns": ("zero_returns", "fraction"),
    "beta": ("beta", "ratio"),
    "downside_beta": ("downside_beta", "ratio"),
    "tail_dependence": ("tail_dependence_with_bitcoin", "fraction"),
    "youth": ("age", "observed_days"),
    "smallness": ("market_cap", "usd"),
}


_UNITS_BESIDE = {
    "turnover": ("turnover", "of_market_cap_per_day"),
    "days_since_trade": ("days_since_trade", "days"),
    "liquidation_cost": ("liquidation_cost_100k", "fraction"),
}
"""Of what is told of an asset's liquidity without a part in the forecast; a cost that is not finite has no value."""


def naturals(found: Measured, beside: Compared) -> Iterator[list[Natural]]:
    """Every measurement of each asset; the percentile is that of the risk, so a small volume has a high one."""
    values, errors = beside.values.copy(), found.standard_errors.copy()
    for column, feature in enumerate(FEATURES):
        if feature.name in _LOGARITHMS:
            values[:, column] = np.exp(_LOGARITHMS[feature.name] * values[:, column])
            errors[:, column] *= values[:, column]
    values[:, NAMES.index("youth")] = found.counts[:, NAMES.index("youth")]
    values[:, NAMES.index("smallness")] = found.market_cap
    column = NAMES.index("expected_shortfall")
    values[:, column] = found.expected_shortfall[:, LEVELS.index(features.LEVEL)]
    errors[:, column] *= np.where(values[:, column] > 0, values[:, column], np.nan)
    errors[~np.isfinite(values)] = np.nan
    unknown = np.full(found.beside.shape, np.nan)
    columns = (
        _or_none(np.hstack([values, found.beside])),
        _or_none(np.hstack([errors, unknown])),
        (row.tolist() for row in np.hstack([found.counts, found.beside_counts])),
        _or_none(np.hstack([beside.percentiles, unknown])),
    )
    told = [(_UNITS[feature.name], str(feature.component)) for feature in FEATURES]
    told += [(_UNITS_BESIDE[name], str(Component.LIQUIDITY)) for name in features.BESIDE]
    for row in zip(*columns, strict=True):
        yield [
            Natural(
                name=name, component=component, value=value, unit=unit, standard_error=error, n=n, percentile=percentile
            )
            for ((name, unit), component), value, error, n, percentile in zip(told, *row, strict=True)
        ]


def _or_none(matrix: FloatArray) -> Iterator[list[float | None]]:
    told = matrix.astype(object)
    told[~np.isfinite(matrix)] = None
    return (row.tolist() for row in told)


def doubts(found: Measured, facts: Facts, row: int, *, day: int) -> list[str]:
    """What lowers the confidence in an asset's score of a day, which is counted from 1970-01-01."""
    volume, cap = NAMES.index("illiquidity"), NAMES.index("smallness")
    reasons = {
        "stale_price": bool(found.is_stale[row]),
        "late_price": found.last_day[row] < day,
        "very_short_history": found.returns[row] < SHORTEST_HISTORY,
        "short_history": SHORTEST_HISTORY <= found.returns[row] < SHORT_HISTORY,
        "bad_prints": found.bad_prints[row] > 0,
        "library_fit": bool(found.is_given[row]),
        "volume_unknown": bool(np.isnan(found.values[row, volume])),
        "market_cap_unknown": bool(np.isnan(found.values[row, cap])),
        "news_unknown": bool(np.isnan(facts.news[row])),
    }
    return [name for name, applies in reasons.items() if applies]


def confidence(reasons: Sequence[str]) -> str:
    """High without doubts; low where the price is stale or the history very short; else medium."""
    if "stale_price" in reasons or "very_short_history" in reasons:
        return "low"
    return "medium" if reasons else "high"
