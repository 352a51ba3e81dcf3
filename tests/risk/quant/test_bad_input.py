"""The worst series go through everything: a reason instead of a number, no crash, no zero, no warning."""

import numpy as np
import pytest
from numpy.typing import NDArray

from risk.quant import garch
from risk.quant.drawdown import drawdown
from risk.quant.ewma import asymmetric_ewma, ewma
from risk.quant.extreme_value import fit as fit_tail
from risk.quant.har import har
from risk.quant.liquidity import liquidity
from risk.quant.market_dependence import market_dependence
from risk.quant.returns import bad_prints, returns
from risk.quant.status import Status
from risk.quant.tail_risk import asymmetric_filtered, combined, garch_filtered, garch_student, historical

DAYS = 700
WALK = np.exp(np.random.default_rng(1).normal(0, 0.03, DAYS).cumsum())


def spike(factor: float) -> NDArray[np.float64]:
    series: NDArray[np.float64] = WALK.copy()
    series[400] *= factor
    return series


def only(*days: int) -> NDArray[np.float64]:
    series = np.full(DAYS, np.nan)
    series[list(days)] = WALK[list(days)]
    return series


NO_NUMBER = {
    "constant": np.ones(DAYS),
    "nothing": np.full(DAYS, np.nan),
    "two prices": only(5, 6),
    "one price": only(5),
    "all gaps": only(*range(0, DAYS, 5)),
    "all infinite": np.full(DAYS, np.inf),
    "all zero": np.zeros(DAYS),
    "all negative": -WALK,
}
A_NUMBER = {
    "a price times a million": spike(1e6),
    "a price of a millionth": spike(1e-6),
    "an infinite price": spike(np.inf),
    "a negative price": spike(-1.0),
    "tiny prices": WALK * 1e-300,
    "huge prices": WALK * 1e300,
    "a price that falls to a millionth and stays": np.r_[WALK[:400], WALK[400:] * 1e-6],
}

pytestmark = pytest.mark.filterwarnings("error")


def measured(series: NDArray[np.float64]) -> dict[str, tuple[Status, float]]:
    """Status and number by each method."""
    found = returns(series)
    sequences = found.winsorised().sequences()
    variances, fits = ewma(sequences), garch.fit(sequences)
    filtered = garch.filtered(sequences, fits)
    student = garch_student(fits, filtered, level=0.975)
    both = combined(
        asymmetric_filtered(sequences.masked(), asymmetric_ewma(sequences)).tail(level=0.975),
        garch_filtered(fits, filtered).tail(level=0.975),
        student,
    )
    plain, depth, autoregression = historical(found.values, level=0.975), drawdown(series[None]), har(sequences)
    dependence = market_dependence(found.values, returns(WALK).values[0], returns(WALK).values[0])
    liquidity(series[None], np.full((1, DAYS), np.nan), np.full((1, DAYS), np.nan))
    tail = fit_tail(-found.values)
    bad_prints(series)
    return {
        "ewma": (variances.status[0], variances.next_variance[0]),
        "garch": (fits.status[0], fits.alpha[0]),
        "student": (student.status[0], student.value_at_risk[0]),
        "combined": (both.status[0], both.expected_shortfall[0]),
        "historical": (plain.status[0], plain.expected_shortfall[0]),
        "tail": (tail.status[0], tail.scale[0]),
        "har": (autoregression.status[0], autoregression.variance[0]),
        "beta": (dependence.status[0], dependence.beta[0]),
        "drawdown": (depth.status[0], depth.maximum[0]),
    }


@pytest.mark.parametrize("name", [*NO_NUMBER, *A_NUMBER])
def test_number_is_there_exactly_where_the_status_says_so(name):
    for method, (status, number) in measured((NO_NUMBER | A_NUMBER)[name]).items():
        assert np.isfinite(number) == (status is Status.OK), (method, status, number)


@pytest.mark.parametrize("name", NO_NUMBER)
def test_what_cannot_be_told_is_not_told(name):
    found = measured(NO_NUMBER[name])

    for method in ("ewma", "garch", "student", "combined", "historical", "tail", "har"):
        assert found[method][0] is not Status.OK, method


@pytest.mark.parametrize("name", A_NUMBER)
def test_single_bad_price_does_not_take_the_number_away(name):
    found = measured(A_NUMBER[name])

    assert {method: status for method, (status, _) in found.items() if status is not Status.OK} == {}
    # Winsorised, so a single print cannot rule tomorrow: the walk moves 3 % a day.
    assert 0.03 < found["combined"][1] < 0.15
