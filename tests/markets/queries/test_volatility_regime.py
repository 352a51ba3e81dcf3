from datetime import UTC, date, datetime

import numpy as np
import pytest

from markets.models import Asset
from markets.queries import volatility_regime
from tests.markets.factories import QuoteFactory, store_daily_bars

pytestmark = pytest.mark.django_db

AT = datetime(2021, 1, 1, 12, tzinfo=UTC)
START = date(2020, 3, 1)  # 306 days to the end of the year


def coin(number: int, *, with_caps: bool, days: int = 306) -> Asset:
    """A coin that moves three times as much in the last month."""
    random = np.random.default_rng(number)
    moves = random.normal(0, 0.01, days)
    moves[-30:] *= 3
    close = (100 * np.exp(np.cumsum(moves))).tolist()
    slug = "bitcoin" if number == 0 else f"coin-{number}"
    asset: Asset = QuoteFactory.create(asset__slug=slug, market_cap=1e9 - number).asset
    store_daily_bars(asset, START, close, market_cap=[1e9] * days if with_caps else [None] * days)
    return asset


def test_the_index_of_the_largest_is_turbulent() -> None:
    for number in range(6):
        coin(number, with_caps=True)

    regime = volatility_regime.current(at=AT)

    assert (regime.basis, regime.missing_reason) == ("cap_weighted_index", None)
    assert regime.now is not None
    assert (regime.now.regime, regime.now.percentile) == ("turbulent", 1.0)
    assert regime.as_of == datetime(2021, 1, 1, tzinfo=UTC)
    assert regime.fresh_until == datetime(2021, 1, 3, tzinfo=UTC)


def test_bitcoin_stands_in_where_caps_are_missing() -> None:
    for number in range(6):
        coin(number, with_caps=False)

    assert volatility_regime.current(at=AT).basis == "bitcoin"


def test_a_short_history_has_a_volatility_and_no_regime() -> None:
    coin(0, with_caps=False, days=60)

    regime = volatility_regime.current(at=AT)

    assert regime.now is not None
    assert (regime.now.regime, regime.missing_reason) == (None, "insufficient_history")


def test_without_bitcoin_and_without_caps_nothing_is_known() -> None:
    coin(1, with_caps=False)

    regime = volatility_regime.current(at=AT)

    assert (regime.now, regime.basis, regime.missing_reason) == (None, None, "insufficient_history")


def test_an_empty_market_has_no_regime() -> None:
    regime = volatility_regime.current(at=AT)

    assert (regime.now, regime.as_of, regime.fresh_until, regime.missing_reason) == (None, None, None, "no_bars")
