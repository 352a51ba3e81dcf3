"""What is measured of every asset on a day: the columns from which risk is forecast and explained."""

import io
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from risk.quant import estimation, extreme_value, families, garch
from risk.quant.arrays import BoolArray, FloatArray, IntArray, LabelArray, counts, medians
from risk.quant.distributions import normal_shortfall
from risk.quant.drawdown import current_drawdown, drawdown
from risk.quant.estimation import Bootstrap, Errors
from risk.quant.ewma import LASTING, RECENT, asymmetric_ewma, ewma
from risk.quant.garch import GarchFit
from risk.quant.har import har
from risk.quant.liquidity import liquidity
from risk.quant.market_dependence import market_dependence, over_same_days, weighted_index
from risk.quant.returns import Sequences, between_moves, returns
from risk.quant.status import Status, is_ok
from risk.quant.tail_risk import (
    Pool,
    TailRisk,
    asymmetric_filtered,
    combined,
    garch_filtered,
    garch_student,
    pool,
    with_pool,
)

DAYS_A_YEAR = 365
HORIZON = 30
WINDOW = 1_000
"""Days back from which models learn."""
YEAR, QUARTER, MONTH = 365, 90, 30
LEVEL = 0.975
LEVELS = (0.95, 0.975, 0.99)
SHRINKAGE = 60.0
"""Observations at which a volatility weighs as much as that of the assets of its size."""
GARCH_FROM, GARCH_FREE_FROM = 250, 500
"""Observations from which GARCH is fitted, and from which without a prior."""
FARTHEST_MOVE = float(np.log(1e6))
"""In a day of a member of the index. What goes farther changed its unit, or was never traded: it says nothing of the
market, and its amount would be all of it."""
SIZES = 3
SHRUNK = ("volatility", "lasting_volatility")
"""Towards those of the assets of the same size."""


class Component(StrEnum):
    VOLATILITY = "volatility"
    TAIL = "tail"
    DRAWDOWN = "drawdown"
    LIQUIDITY = "liquidity"
    MARKET = "market"
    STRUCTURE = "structure"


class Feature(NamedTuple):
    name: str
    component: Component
    is_absolute: bool = False
    """In logs of annualised volatility, compared across days; others are ranked within the day."""


FEATURES = (
    Feature("volatility", Component.VOLATILITY, is_absolute=True),
    Feature("recent_volatility", Component.VOLATILITY, is_absolute=True),
    Feature("lasting_volatility", Component.VOLATILITY, is_absolute=True),
    Feature("expected_shortfall", Component.TAIL, is_absolute=True),
    Feature("tail_index", Component.TAIL),
    Feature("worst_day", Component.TAIL),
    Feature("drawdown", Component.DRAWDOWN),
    Feature("quarter_drawdown", Component.DRAWDOWN),
    Feature("conditional_drawdown", Component.DRAWDOWN),
    Feature("illiquidity", Component.LIQUIDITY),
    Feature("price_impact", Component.LIQUIDITY),
    Feature("zero_returns", Component.LIQUIDITY),
    Feature("beta", Component.MARKET),
    Feature("downside_beta", Component.MARKET),
    Feature("tail_dependence", Component.MARKET),
    Feature("youth", Component.STRUCTURE),
    Feature("smallness", Component.STRUCTURE),
)
"""Each rises with risk."""
NAMES = tuple(feature.name for feature in FEATURES)
BESIDE = ("turnover", "days_since_trade", "liquidation_cost")
"""What is told of liquidity and no part of the forecast."""


@dataclass(frozen=True, slots=True)
class Market:
    """What a measurement needs to know of the others: worked out once for all of them."""

    index: FloatArray
    """Log returns of the cap-weighted index over the last year."""
    reference: FloatArray
    """Winsorised log returns of bitcoin over the same days; NaN where there is no bitcoin."""
    pool: Pool
    """The tail of the residuals of the ordinary assets over the last year."""

    def pack(self) -> bytes:
        """As bytes that hold every bit."""
        octets = io.BytesIO()
        pool: dict[str, Any] = {f"pool_{name}": value for name, value in asdict(self.pool).items()}
        np.savez_compressed(octets, index=self.index, reference=self.reference, **pool)
        return octets.getvalue()

    @classmethod
    def unpack(cls, octets: bytes) -> "Market":
        with np.load(io.BytesIO(octets), allow_pickle=False) as arrays:
            pool = Pool(
                tuple(arrays["pool_levels"].tolist()),
                arrays["pool_value_at_risk"],
                arrays["pool_expected_shortfall"],
                arrays["pool_quantile_deviation"],
                arrays["pool_deviation"],
                int(arrays["pool_observations"]),
            )
            return cls(arrays["index"], arrays["reference"], pool)


@dataclass(frozen=True, slots=True)
class Alone:
    """What can be told of each asset without any other; an asset has the same values in any company.

    `values` are as in `Measurements`, except that volatilities are not yet shrunk towards those of the same size.
    """

    values: FloatArray
    counts: IntArray
    """How many observations each value is made of."""
    tails: tuple[TailRisk, ...]
    """One a level of `LEVELS`."""
    fits: GarchFit
    market_cap: FloatArray
    """The latest of the month."""
    beside: FloatArray
    """Assets x `BESIDE`; NaN where volume or market cap is not known."""
    beside_counts: IntArray
    observations: IntArray
    standard_errors: FloatArray
    """Of `values`, in their units, of the shrunk ones as they will be then; NaN of facts, which have none."""
    errors: Errors | None
    """Drawn together of those that the score is made of; None where nobody asked."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Assets x `FEATURES`; NaN where a measurement needs what is not there."""

    values: FloatArray
    tail: TailRisk
    fits: GarchFit
    size: LabelArray
    """Third of the day's market caps, 0 the largest; -1 unknown."""
    observations: IntArray

    def column(self, name: str) -> FloatArray:
        return self.values[:, NAMES.index(name)]


def measure(
    prices: FloatArray,
    volumes: FloatArray,
    market_caps: FloatArray,
    *,
    reference: int,
    prior: garch.Prior | None = None,
) -> Measurements:
    """Everything that is known at the end of the last day of the panel; assets x days, bad prints already taken out.

    `reference` is the row of bitcoin. Nothing looks further back than `WINDOW` days, except age and the distance
    from the peak; nothing remembers an earlier call, so that a day can be measured again to the same bits.
    """
    market = market_of(prices, market_caps, reference=reference)
    alone = measure_alone(prices, volumes, market_caps, market=market, prior=prior, learns_prior=prior is None)
    everybody = np.ones(len(alone.values), dtype=np.bool_)
    values, size = together(alone.values, alone.observations, alone.market_cap, is_ordinary=everybody)
    return Measurements(values, alone.tails[LEVELS.index(LEVEL)], alone.fits, size, alone.observations)


def market_of(prices: FloatArray, market_caps: FloatArray, *, reference: int) -> Market:
    """The index and the tail of these assets, and the returns of the one in the row `reference`."""
    index, pool_ = index_and_pool(prices, market_caps)
    return Market(index, reference_of(prices[reference]), pool_)


def index_and_pool(prices: FloatArray, market_caps: FloatArray) -> tuple[FloatArray, Pool]:
    """Log returns of the cap-weighted index of these assets over the last year of the panel, and the tail of their
    residuals together.

    An index holds amounts, not logarithms: its simple return is the mean of the simple ones. A day on which a price
    moves by a factor beyond a million is none of its asset's in it. An asset that lies still on most days is no member:
    nothing says how far its moves may reach, and one of them could be those of all others together.
    """
    happened = returns(prices[:, -YEAR:])
    kept = happened.winsorised()
    is_still = 2 * np.count_nonzero(kept.values == 0, axis=1) >= counts(kept.values)
    moves = np.where((np.abs(kept.values) > FARTHEST_MOVE) | is_still[:, None], np.nan, kept.values)
    index = np.log1p(weighted_index(np.expm1(moves), market_caps[:, -YEAR:]))
    return index, pool(happened, kept, levels=LEVELS)


def reference_of(prices: FloatArray) -> FloatArray:
    """The returns of one asset over the last year of its prices, winsorised as everybody's are."""
    return returns(prices[None, -WINDOW - 1 :]).winsorised().values[0, -YEAR:]


def measure_alone(
    prices: FloatArray,
    volumes: FloatArray,
    market_caps: FloatArray,
    *,
    market: Market,
    prior: garch.Prior | None,
    learns_prior: bool = False,
    is_stale: BoolArray | None = None,
    bootstrap: Bootstrap | None = None,
) -> Alone:
    """Some assets, each by itself, given what is to be known of the market; `prices` and the others as for `measure`.

    `prior` is for series too short for a GARCH of their own, which without one have none. With `learns_prior` these
    assets are all there are, and their long series make the prior. The volatilities, tails and betas of stale prices
    are those of returns from move to move. With `bootstrap` the errors of what the score is made of are drawn.
    """
    daily = found = returns(prices[:, -WINDOW - 1 :])
    if is_stale is not None:
        stale = np.flatnonzero(is_stale)
        found = daily.replaced(stale, between_moves(prices[stale, -WINDOW - 1 :]))
    kept = found.winsorised()
    packed, actual = kept.sequences(), found.sequences()
    recent, lasting = ewma(packed, decay=RECENT), ewma(packed, decay=LASTING)
    asymmetric = asymmetric_ewma(packed)
    fits = _fits(packed, prior, learns_prior=learns_prior)
    # Variances learn from winsorised returns, tails from what happened.
    filtered = garch.filtered(packed, fits, actual=actual.values)
    happened = actual.masked()
    by_asymmetric, by_garch = asymmetric_filtered(happened, asymmetric), garch_filtered(fits, filtered)
    tails = tuple(
        with_pool(
            combined(
                by_asymmetric.tail(level=level),
                by_garch.tail(level=level),
                garch_student(fits, filtered, level=level),
            ),
            asymmetric,
            market.pool,
        )
        for level in LEVELS
    )
    tail = tails[LEVELS.index(LEVEL)]
    month_ahead = garch.variance_forecast(fits, filtered.next_variance, days=HORIZON).mean(axis=1)
    estimates = np.stack([_log_volatility(v) for v in (recent.next_variance, lasting.next_variance)])
    autoregression = har(packed)
    estimates = np.vstack([estimates, _log_volatility(autoregression.variance), _log_volatility(month_ahead)])
    known = ~np.isnan(estimates)
    volatility = np.where(known.any(axis=0), np.nansum(estimates, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    depth = drawdown(prices[:, -YEAR:])
    quarter = drawdown(prices[:, -QUARTER:])
    trade = liquidity(prices[:, -QUARTER:], volumes[:, -QUARTER:], market_caps[:, -QUARTER:])
    own = kept.values[:, -prices[:, -YEAR:].shape[1] :]
    days = found.days[:, -own.shape[1] :]
    index, reference = (over_same_days(of[-own.shape[1] :], days) for of in (market.index, market.reference))
    dependence = market_dependence(own, index, reference)
    together_down = np.where(np.isnan(market.reference[-own.shape[1] :]).all(), np.nan, dependence.tail_dependence)
    pareto = extreme_value.fit(-filtered.residuals)
    observed = counts(prices)
    month = market_caps[:, -MONTH:]
    market_cap = _latest(month)
    year = daily.values[:, -YEAR:]
    columns: dict[str, tuple[FloatArray, IntArray]] = {
        "volatility": (volatility, packed.size),
        # As it is, neither winsorised nor shrunk: what anybody would take without a model.
        "recent_volatility": (_log_volatility(ewma(actual).next_variance), packed.size),
        "lasting_volatility": (estimates[1], packed.size),
        "expected_shortfall": (
            _log_volatility((tail.expected_shortfall / float(normal_shortfall(LEVEL))) ** 2),
            tail.observations,
        ),
        "tail_index": (pareto.shape, pareto.observations),
        "worst_day": (_worst(year), counts(year)),
        "drawdown": (current_drawdown(prices), observed),
        "quarter_drawdown": (quarter.maximum, quarter.observations),
        "conditional_drawdown": (depth.conditional, depth.observations),
        "illiquidity": (_illiquidity(trade.median_volume), trade.volume_observations),
        "price_impact": (_log(trade.amihud), trade.amihud_observations),
        "zero_returns": (trade.zero_return_share, trade.return_observations),
        "beta": (dependence.beta, dependence.observations),
        "downside_beta": (dependence.downside_beta, dependence.observations),
        "tail_dependence": (together_down, dependence.observations),
        "youth": (-_log(observed.astype(np.float64)), observed),
        "smallness": (-_log(market_cap), counts(month)),
    }
    # Of a logarithm the error is that of its value as a share of it.
    errors_of = {
        "tail_index": pareto.shape_error,
        "illiquidity": trade.median_volume_error / np.where(trade.median_volume > 0, trade.median_volume, np.nan),
        "price_impact": trade.amihud_error / np.where(trade.amihud > 0, trade.amihud, np.nan),
        "zero_returns": trade.zero_return_error,
        "beta": dependence.beta_error,
        "downside_beta": dependence.downside_beta_error,
        "tail_dependence": np.where(np.isnan(together_down), np.nan, dependence.tail_dependence_error),
    }
    drawn = None
    if bootstrap is not None:
        model = estimation.Known(
            packed, fits, filtered, autoregression, tails, LEVEL, by_asymmetric, by_garch, market.pool
        )
        drawn = _as_shrunk(estimation.errors(model, prior=prior, bootstrap=bootstrap), packed.size)
        errors_of |= dict(zip(estimation.ESTIMATES, drawn.standard_errors.T, strict=True))
    nothing = np.full(len(prices), np.nan)
    return Alone(
        np.column_stack([columns[name][0] for name in NAMES]),
        np.column_stack([columns[name][1] for name in NAMES]),
        tails,
        fits,
        market_cap,
        np.column_stack([trade.turnover, trade.days_since_trade, trade.liquidation_cost]),
        np.column_stack([trade.turnover_observations, trade.volume_observations, trade.volume_observations]),
        packed.size,
        np.column_stack([errors_of.get(name, nothing) for name in NAMES]),
        drawn,
    )


def _as_shrunk(errors: Errors, observations: IntArray) -> Errors:
    """A value that is shrunk with the best weight w has w times the variance of the own one: Morris (1983), JASA 78."""
    logs = errors.logs.copy()
    for name in SHRUNK:
        logs[:, estimation.ESTIMATES.index(name)] *= np.sqrt(_weight(observations))[:, None]
    return replace(errors, logs=logs)


def together(
    values: FloatArray, observations: IntArray, market_cap: FloatArray, *, is_ordinary: BoolArray
) -> tuple[FloatArray, LabelArray]:
    """The values of all assets of a day with volatilities shrunk, and the thirds of size that they are shrunk in."""
    size = _size_thirds(market_cap)
    values = values.copy()
    for name in SHRUNK:
        column = NAMES.index(name)
        values[:, column] = _shrunk(values[:, column], observations, size, is_ordinary)
    return values, size


def _fits(packed: Sequences, prior: garch.Prior | None, *, learns_prior: bool) -> GarchFit:
    """Long series by themselves; those in between with what the long ones say of persistence and tail."""
    long = _with_library(packed, garch.fit(packed, fewest=GARCH_FREE_FROM))
    if learns_prior:
        prior = prior_of(long)
    return with_shorter(packed, long, prior)


def with_shorter(packed: Sequences, long: GarchFit, prior: garch.Prior | None) -> GarchFit:
    """The fits of long series beside those of the ones in between, which need a prior."""
    if prior is None:
        return long
    middle = np.flatnonzero((packed.size >= GARCH_FROM) & (packed.size < GARCH_FREE_FROM))
    return long.replaced(middle, garch.fit(packed.take(middle), prior=prior, fewest=GARCH_FROM))


def _with_library(packed: Sequences, fits: GarchFit) -> GarchFit:
    """Those whose search ended nowhere flat with what the search of the library `arch` finds, if anything.

    They are one in thousands, so that the library, which takes seconds, is hardly ever loaded.
    """
    for row in np.flatnonzero([status is Status.NOT_CONVERGED for status in fits.status]).tolist():
        found = families.fit(packed.values[row, -packed.size[row] :], family=families.Family.GARCH)
        if found.status is Status.OK:
            parameters = np.array([found.parameters[name] for name in ("mu", "omega", "alpha[1]", "beta[1]", "nu")])
            fits = garch.given(packed, fits, row, parameters)
    return fits


def prior_of(long: GarchFit) -> garch.Prior | None:
    """What long series say of persistence and tail; None of too few to say it."""
    return prior_from(long.coordinates[is_ok(long.status)])


def prior_from(coordinates: FloatArray) -> garch.Prior | None:
    """The same from where the searches of long series ended."""
    return garch.prior_from(coordinates) if len(coordinates) >= SIZES else None


def _log_volatility(variance: FloatArray) -> FloatArray:
    """Of a day's variance, the log of the annualised volatility."""
    return 0.5 * _log(variance * DAYS_A_YEAR)


def _log(values: FloatArray) -> FloatArray:
    positive = np.isfinite(values) & (values > 0)
    return np.where(positive, np.log(np.where(positive, values, 1.0)), np.nan)


def _illiquidity(median_volume: FloatArray) -> FloatArray:
    """Minus its log, without end of a volume that was observed to be zero: nothing is less liquid, and it is known."""
    return np.where(median_volume == 0, np.inf, -_log(median_volume))


def _latest(values: FloatArray) -> FloatArray:
    """The last positive value of each row."""
    positive = np.isfinite(values) & (values > 0)
    place = np.where(positive, np.arange(values.shape[1]), -1).max(axis=1, initial=-1)
    return np.where(place >= 0, values[np.arange(len(values)), np.maximum(place, 0)], np.nan)


def _worst(values: FloatArray) -> FloatArray:
    worst = np.where(np.isnan(values), np.inf, values).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(worst), -worst, np.nan)


def _size_thirds(market_caps: FloatArray) -> LabelArray:
    known = np.flatnonzero(~np.isnan(market_caps))
    thirds = np.full(len(market_caps), -1, dtype=object)
    order = np.argsort(-market_caps[known], kind="stable")
    for rank, place in enumerate(order):
        thirds[known[place]] = rank * SIZES // max(known.size, 1)
    return thirds


def _weight(observations: IntArray) -> FloatArray:
    """Of the own volatility, against that of the assets of the same size."""
    return np.asarray(observations / (observations + SHRINKAGE))


def _shrunk(volatility: FloatArray, observations: IntArray, size: LabelArray, is_ordinary: BoolArray) -> FloatArray:
    """Towards the median of the ordinary assets of the same size, the more the shorter the history.

    Where none of them has one, volatilities stay as they are.
    """
    weight = _weight(observations)
    result = volatility.copy()
    for third in range(-1, SIZES):
        members: BoolArray = np.asarray(size == third, dtype=np.bool_)
        middle = medians(volatility[None, members & is_ordinary])[0]
        if np.isfinite(middle):
            result[members] = weight[members] * volatility[members] + (1 - weight[members]) * middle
    return result
