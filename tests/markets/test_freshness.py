from datetime import timedelta

import pytest

from markets.freshness import BROAD_INTERVAL, TOP_INTERVAL, fresh_until
from tests.markets.factories import NOON


@pytest.mark.unit
@pytest.mark.parametrize(
    ("rank", "interval"), [(1, TOP_INTERVAL), (50, TOP_INTERVAL), (51, BROAD_INTERVAL), (None, BROAD_INTERVAL)]
)
def test_a_quote_is_fresh_for_twice_the_interval_that_renews_it(rank: int | None, interval: timedelta) -> None:
    assert fresh_until(NOON, rank) == NOON + 2 * interval
