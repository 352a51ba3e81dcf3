import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.quant.bootstrap import stationary_indices, tail_replicates
from risk.quant.random_numbers import Stream
from risk.quant.tail_risk import historical

RETURNS = np.random.default_rng(1).standard_t(4, (3, 250)) / 50


@given(st.integers(0, 2**64 - 1), st.sampled_from([0.9, 0.95, 0.975]))
def test_replicate_is_the_historical_risk_of_the_drawn_days(seed, level):
    indices = stationary_indices(Stream(seed), days=250, resamples=3, mean_block=10)
    found = tail_replicates(RETURNS, indices, level=level)

    for resample, drawn in enumerate(indices):
        plain = historical(RETURNS[:, drawn], level=level)
        assert found.value_at_risk[resample] == pytest.approx(plain.value_at_risk, rel=1e-12)
        assert found.expected_shortfall[resample] == pytest.approx(plain.expected_shortfall, rel=1e-9)


def test_missing_days_are_not_drawn():
    returns = RETURNS.copy()
    returns[1, ::3] = np.nan
    indices = stationary_indices(Stream(5), days=250, resamples=10, mean_block=5)
    found = tail_replicates(returns, indices, level=0.95)

    for resample, drawn in enumerate(indices):
        plain = historical(returns[:, drawn], level=0.95)
        assert found.expected_shortfall[resample] == pytest.approx(plain.expected_shortfall, rel=1e-9)


def test_asset_without_a_tail_has_no_replicates():
    returns = np.vstack([RETURNS[0], np.full(250, np.nan)])
    indices = stationary_indices(Stream(5), days=250, resamples=4, mean_block=5)

    found = tail_replicates(returns, indices, level=0.95)
    assert np.isnan(found.value_at_risk[:, 1]).all()
    assert not np.isnan(found.value_at_risk[:, 0]).any()


def test_resamples_of_equal_days_fall_back_on_the_whole_order():
    # One day drawn over and over: its count is the whole sample, and the worst days may not come at all.
    indices = np.full((2, 250), 7)
    found = tail_replicates(RETURNS, indices, level=0.95)

    assert found.value_at_risk.tolist() == [(-RETURNS[:, 7]).tolist()] * 2


def test_blocks_have_the_wanted_mean_length_and_every_day_the_same_chance():
    indices = stationary_indices(Stream(1), days=500, resamples=400, mean_block=20)
    jumps = (np.diff(indices, axis=1) % 500 != 1).mean()

    assert jumps == pytest.approx(1 / 20, rel=0.05)
    counts = np.bincount(indices.ravel(), minlength=500)
    # Of a day: as often as it is drawn at all, 400 times, it is drawn by another block.
    assert counts.std() == pytest.approx(np.sqrt(400), rel=0.25)


def test_spread_agrees_with_the_bootstrap_of_arch():
    from arch.bootstrap import StationaryBootstrap

    values = np.random.default_rng(1).standard_t(5, 600)

    def shortfall(sample):
        worst = np.sort(sample)[:15]
        return -worst.mean()

    theirs = StationaryBootstrap(10, values, seed=1).apply(shortfall, 800)[:, 0]
    indices = stationary_indices(Stream(9), days=600, resamples=800, mean_block=10)
    ours = tail_replicates(values[None], indices, level=0.975).expected_shortfall[:, 0]
    # Within Monte Carlo error: the standard error of each mean is sd / sqrt(800), of each sd about sd / sqrt(1600).
    spread = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < 4 * spread * np.sqrt(2 / 800)
    assert abs(ours.std() - spread) < 4 * spread * np.sqrt(2 / 1600) * 1.5
