import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from risk.quant import garch
from risk.quant.ewma import asymmetric_ewma, ewma
from risk.quant.features import LEVELS
from risk.quant.returns import Returns
from risk.quant.tail_forecasts import BASELINES, METHODS, Forecasts, Moves, forecast
from risk.quant.tail_risk import Method, asymmetric_filtered, combined, garch_filtered, garch_student, pool
from tests.risk.quant.simulated import garch_returns

DAYS, AHEAD = 800, 30
LEVEL = 0.975


def returns_of(values: NDArray[np.float64]) -> Returns:
    is_first = np.zeros(values.shape, dtype=np.bool_)
    is_first[:, 0] = True
    return Returns(values, np.where(np.isnan(values), 0, 1), is_first)


def matrix(found: Forecasts, method: Method, *, assets: int = 3) -> NDArray[np.float64]:
    """The values at risk as assets x days."""
    result = np.full((assets, AHEAD), np.nan)
    result[found.asset - 100, found.day - 5_000] = found.value_at_risk[method, LEVEL]
    return result


def moves_of(after: NDArray[np.float64]) -> Moves:
    """All of which are believed."""
    return Moves(after, np.full(after.shape, np.nan))


def made(past: NDArray[np.float64], after: NDArray[np.float64] | Moves) -> Forecasts:
    moves = after if isinstance(after, Moves) else moves_of(after)
    return forecast(returns_of(past), moves, assets=np.arange(100, 100 + len(past)), first_day=5_000)


@pytest.fixture(scope="module")
def simulated() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = garch_returns(series=3, days=DAYS + AHEAD, seed=1) / 100
    return values[:, :DAYS], values[:, DAYS:]


@pytest.fixture(scope="module")
def found(simulated) -> Forecasts:
    return made(*simulated)


def test_first_day_is_the_tail_that_is_published(simulated, found):
    past = returns_of(simulated[0])
    packed, actual = past.winsorised().sequences(), past.sequences()
    fits = garch.fit(packed, fewest=500)
    filtered = garch.filtered(packed, fits, actual=actual.values)
    tail = combined(
        asymmetric_filtered(actual.masked(), asymmetric_ewma(packed)).tail(level=LEVEL),
        garch_filtered(fits, filtered).tail(level=LEVEL),
        garch_student(fits, filtered, level=LEVEL),
    )

    assert tail.method.tolist() == [Method.COMBINED] * 3
    assert matrix(found, Method.COMBINED)[:, 0] == pytest.approx(tail.value_at_risk, rel=1e-12)
    first = found.expected_shortfall[Method.COMBINED, LEVEL][found.day == 5_000]
    assert first == pytest.approx(tail.expected_shortfall, rel=1e-12)


def test_short_history_has_the_tail_of_the_others():
    values = garch_returns(series=13, days=DAYS + AHEAD, seed=2) / 100
    past, after = values[:, :DAYS].copy(), values[:, DAYS:]
    past[12, :-60] = np.nan
    found = made(past, after)

    year = returns_of(past).last(365)
    peers = pool(year, year.winsorised(), levels=LEVELS)
    variance = asymmetric_ewma(returns_of(past).winsorised().sequences()).next_variance
    at_risk = matrix(found, Method.COMBINED, assets=13)[12]
    own = matrix(found, Method.ASYMMETRIC_FILTERED, assets=13)[12]
    assert at_risk[0] == pytest.approx(np.sqrt(variance[12]) * peers.value_at_risk[LEVELS.index(LEVEL)])
    assert at_risk / at_risk[0] == pytest.approx(own / own[0])


def test_later_days_follow_the_variance_of_each_day_that_has_happened(simulated, found):
    past, after = simulated
    middle = np.median(past, axis=1)
    reach = 8 * np.median(np.abs(past - middle[:, None]), axis=1)
    variance = ewma(returns_of(past).winsorised().sequences()).next_variance
    growth = []
    for day in range(AHEAD):
        growth.append(variance)
        variance = 0.94 * variance + 0.06 * np.clip(after[:, day], middle - reach, middle + reach) ** 2
    by_hand = np.sqrt(np.array(growth).T)

    at_risk = matrix(found, Method.EWMA_FILTERED)
    assert at_risk / at_risk[:, :1] == pytest.approx(by_hand / by_hand[:, :1], rel=1e-12)
    assert matrix(found, Method.EWMA_NORMAL) == pytest.approx(by_hand * stats.norm.ppf(LEVEL), rel=1e-12)


def test_asymmetric_tail_of_a_later_day_is_the_one_that_would_be_published_then(simulated, found):
    past, after = simulated
    middle = np.median(past, axis=1)[:, None]
    reach = 8 * np.median(np.abs(past - middle), axis=1)[:, None]
    # The limits and the backcast are those of the past, so that one filter can go through all of it.
    happened = np.clip(np.hstack([past, after]), middle - reach, middle + reach)
    variance = asymmetric_ewma(returns_of(happened).sequences()).variances[:, DAYS:]

    at_risk = matrix(found, Method.ASYMMETRIC_FILTERED)
    assert at_risk**2 / at_risk[:, :1] ** 2 == pytest.approx(variance / variance[:, :1], rel=1e-9)


def test_historical_simulation_looks_at_the_250_days_before_each(simulated, found):
    past, after = simulated
    values = np.hstack([past, after])
    # 2.5 % of 250 are 6.25 days: the seventh worst is on the edge.
    by_hand = [[-np.sort(row[DAYS + day - 250 : DAYS + day])[6] for day in range(AHEAD)] for row in values]

    assert matrix(found, Method.HISTORICAL).tolist() == by_hand


def test_no_forecast_knows_its_own_day_or_a_later_one(simulated, found):
    past, after = simulated
    changed = after.copy()
    changed[:, 10:] *= -5
    other = made(past, changed)

    for key, at_risk in found.value_at_risk.items():
        until = found.day <= 5_010
        assert other.value_at_risk[key][until].tolist() == at_risk[until].tolist()
    assert (other.value_at_risk[Method.COMBINED, LEVEL] != found.value_at_risk[Method.COMBINED, LEVEL]).any()


def with_bad_prints(past: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """The prices of these returns; one print of the first asset is not believed the day after it, two of the second
    the day after them."""
    prices: NDArray[np.float64] = np.exp(np.hstack([np.zeros((len(past), 1)), past, after]).cumsum(axis=1))
    prices[0, DAYS + 11] *= 50
    prices[1, DAYS + 16 : DAYS + 18] /= 50
    return prices


def test_print_is_doubted_as_long_as_nobody_has_taken_it_back(simulated):
    moves = Moves.of(with_bad_prints(*simulated)).take(np.arange(3), slice(DAYS + 1, None))

    assert np.argwhere(~np.isnan(moves.doubted)).tolist() == [[0, 10], [1, 15], [1, 16]]
    assert np.argwhere(np.isnan(moves.believed)).tolist() == [[0, 10], [1, 15], [1, 16]]
    assert moves.doubted[0, 10] == pytest.approx(simulated[1][0, 10] + np.log(50))
    # The evening before day 11 has seen it, that before day 12 knows better.
    assert moves.seen_before(11)[0, 10] == moves.doubted[0, 10]
    assert np.isnan(moves.seen_before(12)[0, 10])
    assert moves.seen_before(17)[1, 15:].tolist() == moves.doubted[1, 15:17].tolist()
    assert np.isnan(moves.seen_before(18)[1, 15:17]).all()


@pytest.mark.parametrize("day", [10, 11, 12, 16, 17, 18, 25])
def test_forecast_is_of_the_prints_as_they_were_believed_in_the_evening_before(simulated, day):
    past = simulated[0]
    prices = with_bad_prints(*simulated)
    with_hindsight = made(past, Moves.of(prices).take(np.arange(3), slice(DAYS + 1, None)))

    # Of the day itself only that there is a loss is known: some number stands for it.
    known = np.hstack([prices[:, : DAYS + day + 1], 1.01 * prices[:, DAYS + day, None]])
    in_the_evening = made(past, Moves.of(known).take(np.arange(3), slice(DAYS + 1, None)))

    shown = with_hindsight.asset[with_hindsight.day == 5_000 + day]
    rows = (in_the_evening.day == 5_000 + day) & np.isin(in_the_evening.asset, shown)
    for key, at_risk in with_hindsight.value_at_risk.items():
        by_then = in_the_evening.value_at_risk[key][rows]
        assert at_risk[with_hindsight.day == 5_000 + day] == pytest.approx(by_then, rel=1e-9), key


def test_rows_are_the_days_with_a_loss_of_assets_with_a_forecast(simulated):
    past, after = simulated[0].copy(), simulated[1].copy()
    past[1, :-8] = np.nan  # too short for any method
    after[2, 4] = np.nan

    found = made(past, after)

    assert np.unique(found.asset).tolist() == [100, 102]
    assert found.day[found.asset == 102].tolist() == [5_000 + day for day in range(AHEAD) if day != 4]
    assert found.losses[found.asset == 102].tolist() == (-np.delete(after[2], 4)).tolist()
    assert {method for method, _ in found.value_at_risk} == {*METHODS, *BASELINES}


def test_joined_blocks_are_in_the_order_of_assets_and_then_of_days(simulated, found):
    past, after = simulated
    later = forecast(returns_of(past), moves_of(after), assets=np.arange(100, 103), first_day=4_000)

    both = Forecasts.joined([found, later])

    days = [*range(4_000, 4_000 + AHEAD), *range(5_000, 5_000 + AHEAD)]
    assert both.asset.tolist() == [asset for asset in (100, 101, 102) for _ in days]
    assert both.day.tolist() == days * 3
    key = (Method.COMBINED, LEVEL)
    assert both.value_at_risk[key][AHEAD : 2 * AHEAD].tolist() == found.value_at_risk[key][:AHEAD].tolist()


def test_of_nobody_there_are_no_forecasts():
    assert made(np.empty((0, DAYS)), np.empty((0, AHEAD))).losses.size == 0
