import numpy as np
import pytest

from risk.quant import estimation, features, garch
from risk.quant.drawdown import current_drawdown, drawdown
from risk.quant.estimation import Basis
from risk.quant.ewma import ewma
from risk.quant.features import (
    FEATURES,
    LEVELS,
    NAMES,
    Market,
    Measurements,
    index_and_pool,
    market_of,
    measure,
    measure_alone,
    prior_of,
    together,
)
from risk.quant.garch.search import search
from risk.quant.market_dependence import market_dependence
from risk.quant.returns import returns
from risk.quant.tail_risk import Method, Pool

ASSETS, DAYS = 24, 560


def panel():
    random = np.random.default_rng(1)
    market = random.standard_t(5, DAYS) * 0.02
    scale = np.linspace(0.01, 0.06, ASSETS)
    moves = market + random.standard_t(5, (ASSETS, DAYS)) * scale[:, None]
    prices = np.exp(moves.cumsum(axis=1))
    prices[3, :250] = np.nan  # 310 days
    prices[4, :500] = np.nan  # 60 days
    prices[5, :530] = np.nan  # 30 days
    volumes = np.exp(random.normal(14, 1, (ASSETS, DAYS)))
    caps = prices * np.exp(np.linspace(15, 22, ASSETS))[:, None]
    volumes[6], caps[7] = np.nan, np.nan
    return prices, volumes, caps


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return measure(*panel(), reference=0)


def test_every_feature_has_its_column(measured):
    assert measured.values.shape == (ASSETS, len(FEATURES))
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)
    # Whole histories with volume and cap have everything.
    assert np.isfinite(measured.values[8:]).all()


def test_columns_are_what_they_are_called(measured):
    prices, volumes, caps = panel()
    found = returns(prices)
    beta = market_dependence(found.values[8:9, -365:], found.values[0, -365:], found.values[0, -365:])

    assert measured.column("worst_day")[8] == pytest.approx(-found.values[8, -365:].min())
    assert measured.column("drawdown")[8] == current_drawdown(prices)[8]
    assert measured.column("quarter_drawdown")[8] == pytest.approx(drawdown(prices[:, -90:]).maximum[8])
    assert measured.column("illiquidity")[8] == pytest.approx(-np.log(np.median(volumes[8, -90:])))
    assert measured.column("smallness")[8] == pytest.approx(-np.log(caps[8, -1]))
    assert measured.column("youth")[[8, 4]] == pytest.approx([-np.log(560), -np.log(60)])
    assert measured.column("tail_dependence")[0] == 1
    assert beta.tail_dependence[0] == pytest.approx(measured.column("tail_dependence")[8])


def test_market_of_one_asset_has_a_beta_of_one_to_itself():
    prices, _, caps = panel()
    wild = prices[23:24] ** 2
    market = market_of(wild, caps[23:24], reference=0)
    own = returns(wild[:, -365:]).winsorised().values

    found = market_dependence(own, market.index, market.reference)

    assert found.beta == pytest.approx(1)
    assert found.downside_beta == pytest.approx(1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("before", "after"), [(1e-300, 1e300), (1e300, 1e-300), (1.0, 1.1e6), (1.1e6, 1.0)])
def test_move_beyond_a_factor_of_a_million_is_none_of_the_market(before, after):
    prices, _, caps = panel()
    torn = np.where(np.arange(DAYS) % 2, before, after)
    both = np.vstack([prices, torn]), np.vstack([caps, np.full(DAYS, 1e12)])

    assert index_and_pool(*both)[0][1:].tolist() == index_and_pool(prices, caps)[0][1:].tolist()


def test_move_by_a_factor_below_a_million_is_one_of_the_market():
    prices, _, caps = panel()
    torn = np.where(np.arange(DAYS) % 2 == DAYS % 2, 0.9e6, 1.0)
    index, _ = index_and_pool(np.vstack([prices, torn]), np.vstack([caps, np.full(DAYS, 1e12)]))

    total = np.nansum(caps[:, -41]) + 1e12
    assert np.exp(index[-40]) == pytest.approx(0.9e6 * 1e12 / total, rel=1e-3)


def test_recent_volatility_is_plain_ewma(measured):
    variance = ewma(returns(panel()[0]).sequences()).next_variance

    assert measured.column("recent_volatility").tolist() == (0.5 * np.log(365 * variance)).tolist()


def test_volatility_of_a_long_history_is_hardly_shrunk(measured):
    prices, _, _ = panel()
    variance = ewma(returns(prices).winsorised().sequences(), decay=0.98).next_variance
    plain = 0.5 * np.log(365 * variance)
    shrunk = measured.column("lasting_volatility")

    peers = np.flatnonzero(measured.size == measured.size[10])
    weight = 559 / (559 + 60)
    assert shrunk[10] == pytest.approx(weight * plain[10] + (1 - weight) * np.median(plain[peers]))


def test_price_impact_says_the_number_of_its_own_terms():
    prices, volumes, caps = panel()
    volumes[8, -90:-70] = 0.0
    market = market_of(prices, caps, reference=0)
    found = measure_alone(prices[8:9], volumes[8:9], caps[8:9], market=market, prior=None)

    counted = dict(zip(NAMES, found.counts[0].tolist(), strict=True))
    assert (counted["illiquidity"], counted["price_impact"]) == (90, 70)


def test_volume_that_was_zero_on_most_days_is_no_unknown_one():
    prices, volumes, caps = panel()
    volumes[8, -50:] = 0.0
    found = measure(prices, volumes, caps, reference=0).column("illiquidity")

    assert np.flatnonzero(np.isposinf(found)).tolist() == [8]


def test_what_was_not_reported_is_not_measured(measured):
    assert np.isnan(measured.column("illiquidity")[6])
    assert np.isnan(measured.column("price_impact")[6])
    assert np.isnan(measured.column("smallness")[7])
    assert measured.size[7] == -1
    assert np.isfinite(measured.column("volatility")[[6, 7]]).all()


def test_models_are_those_of_the_length_of_the_history(measured):
    assert measured.tail.method[8] is Method.COMBINED
    assert measured.tail.method[[3, 4, 5]].tolist() == [
        Method.ASYMMETRIC_FILTERED,
        Method.ASYMMETRIC_POOLED,
        Method.ASYMMETRIC_POOLED,
    ]
    assert np.isfinite(measured.fits.alpha[3])  # with what the long ones say
    assert np.isnan(measured.fits.alpha[4])
    assert np.isfinite(measured.column("volatility")[5])
    assert np.isfinite(measured.column("expected_shortfall")[5])


def test_day_is_measured_again_to_the_same_bits(measured):
    again = measure(*panel(), reference=0)

    assert again.values.tobytes() == measured.values.tobytes()


def test_chunk_of_the_assets_has_the_same_tail(measured):
    found = measure(*(values[8:20] for values in panel()), reference=0, prior=prior_of(measured.fits))

    assert found.tail.expected_shortfall.tolist() == measured.tail.expected_shortfall[8:20].tolist()


@pytest.mark.filterwarnings("error")
def test_panel_too_short_for_any_long_model_has_what_can_be_told():
    prices, volumes, caps = (values[:, -40:] for values in panel())
    found = measure(prices, volumes, caps, reference=0)

    assert np.isnan(found.fits.alpha).all()
    assert np.isfinite(found.column("volatility")).all()
    assert np.isnan(found.column("beta")).all()


def test_prior_that_is_given_is_used():
    prices, volumes, caps = panel()
    given = garch.Prior(np.array([0.0, 2.0, 1.0]), np.full(3, 1e-3))
    found = measure(prices, volumes, caps, reference=0, prior=given)

    # Shares are e^0 : e^2 : 1 of their sum.
    assert found.fits.alpha[3] == pytest.approx(1 / (2 + np.exp(2)), rel=0.01)
    assert found.fits.beta[3] == pytest.approx(np.exp(2) / (2 + np.exp(2)), rel=0.01)


@pytest.mark.parametrize("size", [1, 5, 24])
def test_asset_has_the_same_values_in_any_company(size):
    prices, volumes, caps = panel()
    market = market_of(prices, caps, reference=0)
    prior = garch.Prior(np.array([-1.0, 1.5, 1.0]), np.full(3, 0.5))
    whole = measure_alone(prices, volumes, caps, market=market, prior=prior)
    parts = [
        measure_alone(*(values[first : first + size] for values in (prices, volumes, caps)), market=market, prior=prior)
        for first in range(0, ASSETS, size)
    ]

    assert np.vstack([part.values for part in parts]).tobytes() == whole.values.tobytes()
    assert np.vstack([part.counts for part in parts]).tolist() == whole.counts.tolist()
    for level, tail in enumerate(whole.tails):
        found = np.concatenate([part.tails[level].expected_shortfall for part in parts])
        assert found.tobytes() == tail.expected_shortfall.tobytes()


def test_whole_is_what_the_parts_make_together(measured):
    prices, volumes, caps = panel()
    market = market_of(prices, caps, reference=0)
    prior = prior_of(garch.fit(returns(prices).winsorised().sequences(), fewest=500))
    parts = [
        measure_alone(*(values[rows] for values in (prices, volumes, caps)), market=market, prior=prior)
        for rows in (slice(0, 9), slice(9, 24))
    ]
    values, size = together(
        np.vstack([part.values for part in parts]),
        np.concatenate([part.observations for part in parts]),
        np.concatenate([part.market_cap for part in parts]),
        is_ordinary=np.ones(ASSETS, dtype=np.bool_),
    )

    assert values.tobytes() == measured.values.tobytes()
    assert size.tolist() == measured.size.tolist()


@pytest.mark.parametrize("step", [2, 3, 5])
def test_price_that_is_rarely_made_has_the_volatility_and_beta_of_the_walk_behind_it(step):
    random = np.random.default_rng(5)
    index = random.normal(0, 0.02, 700)
    walk = np.exp((index + random.standard_t(5, (40, 700)) * 0.03).cumsum(axis=1))
    seen = walk[:, np.arange(700) // step * step]
    market = Market(index[-365:], index[-365:], Pool.empty(LEVELS))
    nothing = np.full(walk.shape, np.nan)

    def means(prices, *, is_stale):
        found = measure_alone(
            prices, nothing, nothing, market=market, prior=None, is_stale=np.full(len(prices), is_stale)
        )
        names = ("volatility", "recent_volatility", "lasting_volatility", "beta", "tail_dependence")
        return found.values[:, [NAMES.index(name) for name in names]].mean(axis=0)

    daily, stale, plain = means(walk, is_stale=False), means(seen, is_stale=True), means(seen, is_stale=False)
    assert stale == pytest.approx(daily, abs=0.12)
    assert stale[3] == pytest.approx(1, abs=0.12)
    assert plain[3] < 0.7


def test_worst_day_of_a_stale_price_is_the_day_that_was_seen():
    prices, volumes, caps = panel()
    prices[8] = prices[8, np.arange(DAYS) // 4 * 4]
    stale = np.arange(ASSETS) == 8
    market = market_of(prices, caps, reference=0)
    found = measure_alone(prices, volumes, caps, market=market, prior=None, is_stale=stale)

    assert found.values[8, NAMES.index("worst_day")] == -np.diff(np.log(prices[8, -366:])).min()


def test_series_whose_search_ends_nowhere_has_the_fit_of_the_library(monkeypatch):
    prices, volumes, caps = panel()
    market = market_of(prices, caps, reference=0)

    def lost_for_one(problem, mean, warm):
        points, is_converged, evaluations = search(problem, mean, warm)
        is_converged[8] = False  # of the long ones
        return points, is_converged, evaluations

    own = measure_alone(prices, volumes, caps, market=market, prior=None)
    monkeypatch.setattr("risk.quant.garch.fits.search", lost_for_one)
    found = measure_alone(prices, volumes, caps, market=market, prior=None)

    (row,) = np.flatnonzero(found.fits.is_given)
    # It is content with a top of its own, hardly below.
    assert found.fits.log_likelihood[row] == pytest.approx(own.fits.log_likelihood[row], abs=0.2)
    assert found.tails[1].method[row] is Method.COMBINED
    assert found.values[row] == pytest.approx(own.values[row], abs=0.05)
    others = np.delete(np.arange(ASSETS), row)
    assert found.values[others].tobytes() == own.values[others].tobytes()


def test_young_volatility_is_drawn_towards_ordinary_assets_and_not_towards_pegs():
    column = NAMES.index("volatility")
    values = np.full((9, len(FEATURES)), np.nan)
    values[:, column] = np.log([0.01] * 6 + [0.5, 0.7, 0.9])
    observations = np.array([1_000] * 8 + [60])
    caps = np.full(9, np.nan)
    is_ordinary = np.arange(9) >= 6

    shrunk, _ = together(values, observations, caps, is_ordinary=is_ordinary)
    alone, _ = together(values[6:], observations[6:], caps[6:], is_ordinary=is_ordinary[6:])
    pegs, _ = together(values[:6], observations[:6], caps[:6], is_ordinary=is_ordinary[:6])

    assert np.exp(shrunk[8, column]) == pytest.approx(np.sqrt(0.9 * 0.7))
    assert shrunk[6:].tobytes() == alone.tobytes()
    assert pegs.tobytes() == values[:6].tobytes()


def test_what_is_shrunk_is_as_uncertain_as_its_weight_allows():
    logs, nothing = np.arange(200.0) * np.ones((1, 4, 200)), np.full((1, 3, 2), np.nan)
    drawn = estimation.Errors(logs, np.array([Basis.FITTED], dtype=object), nothing)
    shrunk = features._as_shrunk(drawn, np.array([180]))

    # 180 of 180 + 60.
    assert shrunk.standard_errors[0] == pytest.approx(drawn.standard_errors[0] * np.sqrt([0.75, 1, 0.75, 1]))
