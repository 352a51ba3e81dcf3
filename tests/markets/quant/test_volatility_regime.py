import numpy as np
import pytest

from markets.quant.volatility_regime import cap_weighted_returns, realised_volatility, regime_now


def test_the_index_weighs_by_the_caps_of_the_day_before() -> None:
    close = np.array([[1.0, 1.1], [1.0, 1.0], [2.0, 1.8], [1.0, 1.0], [1.0, 1.0]])
    caps = np.array([[50.0, 1.0], [20.0, 1.0], [10.0, 1.0], [10.0, 1.0], [10.0, 1.0]])

    (found,) = cap_weighted_returns(close, caps)

    assert found == pytest.approx(np.log(1 + 0.5 * 0.1 - 0.1 * 0.1))


def test_a_day_with_fewer_than_five_known_members_is_no_day() -> None:
    close = np.ones((5, 3))
    caps = np.ones((5, 3))
    close[0, 2] = np.nan
    caps[1, 1] = np.nan

    assert np.isnan(cap_weighted_returns(close, caps)).tolist() == [False, True]


def test_one_bad_print_is_not_the_market() -> None:
    close = np.ones((5, 2))
    close[0, 1] = 1e6

    (found,) = cap_weighted_returns(close, np.ones((5, 2)))

    assert found == pytest.approx(np.log(1 + (np.e - 1) / 5))


def test_constant_moves_have_the_volatility_of_one_of_them() -> None:
    returns = np.array([0.02, -0.02] * 20)

    assert realised_volatility(returns) == pytest.approx(0.02 * np.sqrt(365) * np.ones(11))


def test_a_window_may_miss_a_fifth_of_its_days() -> None:
    returns = np.full(30, 0.01)
    returns[:6] = np.nan
    assert realised_volatility(returns)[0] == pytest.approx(0.01 * np.sqrt(365))
    returns[6] = np.nan
    assert np.isnan(realised_volatility(returns)[0])


@pytest.mark.parametrize(("last", "regime"), [(0.001, "calm"), (0.05, "turbulent"), (0.0155, "normal")])
def test_the_regime_compares_with_the_past(last: float, regime: str) -> None:
    past = np.concatenate([np.full(150, 0.01), np.full(150, 0.02)])
    now = regime_now(np.concatenate([past, np.full(30, last)]))

    assert now is not None
    assert now.regime == regime
    assert now.volatility == pytest.approx(last * np.sqrt(365))
    assert now.history_days == 300


def test_with_half_a_year_missing_there_is_a_volatility_and_no_regime() -> None:
    now = regime_now(np.full(209, 0.01))

    assert now is not None
    assert (now.regime, now.percentile, now.history_days) == (None, None, 179)


@pytest.mark.parametrize("returns", [np.empty(0), np.full(29, 0.01), np.full(300, np.nan)])
def test_without_a_last_window_nothing_is_known(returns: np.ndarray) -> None:
    assert regime_now(returns) is None
