"""What the storage refuses, straight into the measurement of a chunk: a reason instead of a number, and for the others
the same bits as without it."""

from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from risk.quant import measurement
from risk.quant.features import LEVELS, Market
from risk.quant.measurement import Measured
from risk.quant.panel import Panel
from risk.quant.tail_risk import Pool

ASSETS, DAYS = 4, 520
WALKS = np.exp(np.random.default_rng(1).standard_t(5, (ASSETS, DAYS)).cumsum(axis=1) * 0.03)


def panel(*series: NDArray[np.float64]) -> Panel:
    prices = np.vstack([WALKS, *series])
    size = prices.shape
    return Panel(
        np.arange(len(prices)), 19_000, prices, np.full(size, 1e6), np.full(size, np.nan), np.ones(size, "<i2")
    )


def measured(known: Panel) -> Measured:
    moves = np.random.default_rng(2).normal(0, 0.02, measurement.CONTEXT_DAYS)
    market = Market(index=moves, reference=moves, pool=Pool.empty(LEVELS))
    return measurement.measured(known, market=market, prior=None, input_hashes=known.input_hashes())


def single(price: float) -> NDArray[np.float64]:
    series: NDArray[np.float64] = WALKS[0].copy()
    series[300] = price
    return series


ALL = {
    "infinite": np.full(DAYS, np.inf),
    "minus infinite": np.full(DAYS, -np.inf),
    "nothing": np.full(DAYS, np.nan),
    "negative": -WALKS[0],
    "zero": np.zeros(DAYS),
    "infinite and negative in turn": np.where(np.arange(DAYS) % 2, np.inf, -1.0),
}
ONE = {"infinite": np.inf, "minus infinite": -np.inf, "nothing": np.nan, "negative": -3.0, "zero": 0.0}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ALL)
def test_series_without_a_single_price_has_a_reason_and_no_number(name: str) -> None:
    found = measured(panel(ALL[name]))

    assert (found.standing[-1], found.observed[-1], found.last_day[-1]) == ("no_history", 0, -1)
    for values in (found.values, found.value_at_risk, found.expected_shortfall, found.coordinates):
        assert np.isnan(values[-1]).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ONE)
def test_single_price_that_is_none_was_not_observed(name: str) -> None:
    found = measured(panel(single(ONE[name])))
    gap = measured(panel(single(np.nan)))

    assert (found.standing[-1], found.observed[-1], found.bad_prints[-1]) == ("ordinary", DAYS - 1, 0)
    assert found.values[-1].tobytes() == gap.values[-1].tobytes()
    assert found.value_at_risk[-1].tobytes() == gap.value_at_risk[-1].tobytes()


@pytest.mark.parametrize("series", [*ALL.values(), *map(single, ONE.values()), WALKS[0] * 1e300, WALKS[0] * 1e-300])
def test_the_others_are_the_same_bits_as_without_it(series: NDArray[np.float64]) -> None:
    alone, beside = measured(panel()), measured(panel(series))

    for field in fields(Measured):
        assert getattr(beside, field.name)[:ASSETS].tobytes() == getattr(alone, field.name).tobytes()
