from dataclasses import fields, replace

import numpy as np
import pytest

from risk.quant import features, measurement
from risk.quant.features import NAMES
from risk.quant.measurement import Measured
from tests.risk.quant.days import ASSETS, DAYS, PRIOR, REDRAWS, beside_them, measure, panel, with_a_riser


def test_packed_it_is_the_same_to_the_last_bit(measured):
    again = Measured.unpack(measured.pack())

    for field in fields(Measured):
        assert getattr(again, field.name).tobytes() == getattr(measured, field.name).tobytes()


def test_pool_is_of_ordinary_assets_whose_prices_are_made_daily():
    known = panel()
    stale, peg = known.prices.copy(), known.prices.copy()
    stale[4] = stale[4, np.arange(DAYS) // 5 * 5]
    peg[4] = 1 + 1e-4 * np.random.default_rng(2).normal(size=DAYS)
    fewer = np.delete(np.arange(ASSETS), 4)

    pools = [
        measurement.market(found, reference=None).pool
        for found in (known, known.take(fewer), replace(known, prices=stale), replace(known, prices=peg))
    ]

    assert pools[1].observations < pools[0].observations
    for found in pools[2:]:
        assert (found.observations, found.value_at_risk.tolist()) == (
            pools[1].observations,
            pools[1].value_at_risk.tolist(),
        )


@pytest.mark.parametrize("moves", [1, 30], ids=["stale", "still for most of the year"])
def test_index_is_of_assets_whose_prices_are_made_daily(moves):
    known = panel()
    idle = np.full(DAYS, 5.0)
    idle[-100:] = 5 * np.exp(np.random.default_rng(3).normal(0, 0.02, 100)) if moves > 1 else 5.0
    idle[-50:] *= 1e5  # another unit

    alone, beside = (measurement.market(found, reference=None) for found in (known, beside_them(known, idle, cap=1e12)))

    assert beside.index[1:].tolist() == alone.index[1:].tolist()


def test_whoever_does_not_ask_gets_the_errors_in_closed_form_alone(measured):
    found = measure(panel(), redraws=None)

    known = np.flatnonzero(np.isfinite(found.standard_errors).any(axis=0)).tolist()
    assert set(found.basis) == {""}
    assert {NAMES[column] for column in known} == {
        *("tail_index", "illiquidity", "price_impact", "zero_returns", "beta", "downside_beta", "tail_dependence")
    }


def test_an_asset_has_the_same_errors_in_any_company():
    whole = panel()
    market = measurement.market(whole, reference=whole.prices[0])
    together, alone = (
        measurement.measured(part, market=market, prior=PRIOR, redraws=REDRAWS)
        for part in (whole, whole.take(slice(4, 5)))
    )

    assert alone.errors.tobytes() == together.errors[4:5].tobytes()
    assert alone.standard_errors.tobytes() == together.standard_errors[4:5].tobytes()


def test_tail_losses_have_standard_errors_in_their_unit(measured):
    for loss, error in (
        (measured.value_at_risk, measured.value_at_risk_error),
        (measured.expected_shortfall, measured.expected_shortfall_error),
    ):
        assert (error > 0).all()
        assert (error < loss).all()
    column, level = NAMES.index("expected_shortfall"), features.LEVELS.index(features.LEVEL)
    of_log = measured.standard_errors[:, column]
    assert measured.expected_shortfall_error[:, level] == pytest.approx(of_log * measured.expected_shortfall[:, level])


def test_gains_have_no_error_of_a_loss():
    found = measure(with_a_riser())

    assert (found.value_at_risk[0] < 0).all()
    assert np.isnan(found.value_at_risk_error[0]).all()
    assert np.isnan(found.expected_shortfall_error[0]).all()


def test_whoever_does_not_ask_knows_no_error_of_a_tail_loss():
    assert np.isnan(measure(panel(), redraws=None).value_at_risk_error).all()
