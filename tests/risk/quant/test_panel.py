import numpy as np
import pytest

from risk.quant.panel import Panel
from tests.risk.quant.days import ASSETS, panel


def test_hash_is_of_what_was_seen_and_of_who_said_it():
    known = panel()
    wider = Panel(
        known.asset_ids,
        known.first_day - 1,
        np.column_stack([np.full(ASSETS, np.nan), known.prices]),
        np.column_stack([np.full(ASSETS, np.nan), known.volumes]),
        np.column_stack([np.full(ASSETS, np.nan), known.market_caps]),
        np.column_stack([np.zeros(ASSETS, dtype=np.int16), known.sources]),
    )
    other = known.sources.copy()
    other[3, 100] = 2
    changed = Panel(known.asset_ids, known.first_day, known.prices, known.volumes, known.market_caps, other)

    before, after = known.input_hashes(), changed.input_hashes()
    assert wider.input_hashes() == before
    assert [row for row in range(ASSETS) if before[row] != after[row]] == [3]


@pytest.mark.parametrize("days", [3, 700])
def test_last_days_of_a_panel_end_where_it_does_and_before_its_first_nothing_was_seen(days):
    whole = panel()
    width = whole.prices.shape[1]

    recent = whole.last(days)

    seen = min(days, width)
    assert recent.first_day + days == whole.first_day + width
    assert recent.prices.shape == recent.sources.shape == (len(whole.asset_ids), days)
    np.testing.assert_array_equal(recent.prices[:, days - seen :], whole.prices[:, width - seen :])
    np.testing.assert_array_equal(recent.sources[:, days - seen :], whole.sources[:, width - seen :])
    assert np.isnan(recent.prices[:, : days - seen]).all()
    assert not recent.sources[:, : days - seen].any()
