import pytest

from risk.quant import features, naturals, universe
from risk.quant.features import NAMES
from tests.risk.quant.days import measure, with_a_riser


def test_measurements_have_standard_errors_in_their_units_and_facts_have_none(measured):
    beside = universe.compared(measured)
    found = {natural["name"]: natural for natural in list(naturals.naturals(measured, beside))[7]}

    facts = {"worst_day", "drawdown", "quarter_drawdown", "conditional_drawdown_95", "age", "market_cap"}
    facts |= {"turnover", "days_since_trade", "liquidation_cost_100k"}
    assert {name for name, natural in found.items() if natural["standard_error"] is None} == facts
    column = NAMES.index("recent_volatility")
    of_log = measured.standard_errors[7, column]
    volatility = found["recent_volatility"]
    assert volatility["standard_error"] == pytest.approx(volatility["value"] * of_log)
    assert 0.05 < of_log < 0.5
    assert found["beta"]["standard_error"] == measured.standard_errors[7, NAMES.index("beta")]


def test_gain_is_told_without_an_error():
    found = measure(with_a_riser())

    shortfall = next(n for n in next(naturals.naturals(found, universe.compared(found))) if "shortfall" in n["name"])

    assert shortfall["value"] == found.expected_shortfall[0, features.LEVELS.index(features.LEVEL)] < 0
    assert shortfall["standard_error"] is None
