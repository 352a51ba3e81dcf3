from datetime import timedelta

import pytest

from markets.actions import indicators, market
from markets.actions.market import Simulation
from markets.actions.stored_rows import StoredRows
from markets.errors import MarketIsOfAnotherKind
from markets.models import IndicatorValue, Market
from markets.providers.indicators import Observation
from tests.markets.factories import NOON, IndicatorValueFactory, NewsScoreFactory

pytestmark = pytest.mark.django_db


def store(*values: float, provider: str = "coingecko") -> StoredRows:
    """Values of the hours up to noon, the newest first."""
    rows = [Observation("btc_dominance", NOON - timedelta(hours=hours), value) for hours, value in enumerate(values)]
    return indicators.store(rows, provider=provider, is_simulated=False, at=NOON)


def test_a_later_word_of_the_same_provider_replaces_its_earlier_one() -> None:
    assert store(50.0, 51.0) == StoredRows(inserted=2)
    before = Market.objects.get().data_version

    assert store(50.0, 52.0, 53.0) == StoredRows(inserted=1, updated=1, unchanged=1)

    assert list(IndicatorValue.objects.values_list("value", flat=True)) == [50.0, 52.0, 53.0]
    assert Market.objects.get().data_version == before + 1


def test_what_is_known_already_is_no_change() -> None:
    store(50.0)
    before = Market.objects.get().data_version

    assert store(50.0) == StoredRows(unchanged=1)
    assert store() == StoredRows()

    assert Market.objects.get().data_version == before


def test_two_providers_speak_for_themselves() -> None:
    store(50.0)

    assert store(51.0, provider="coinmarketcap") == StoredRows(inserted=1)

    assert IndicatorValue.objects.count() == 2


def test_real_numbers_do_not_enter_a_simulated_market() -> None:
    market.mark_simulated(Simulation(seed=1, assets=2, days=3, end=NOON.date()), at=NOON)

    with pytest.raises(MarketIsOfAnotherKind):
        store(50.0)

    assert not IndicatorValue.objects.exists()


def test_a_market_that_is_cleared_has_neither_indicators_nor_news() -> None:
    IndicatorValueFactory.create()
    score = NewsScoreFactory.create()

    market.clear(at=NOON)

    assert not IndicatorValue.objects.exists()
    assert not type(score).objects.exists()
    assert not type(score.item).objects.exists()
    assert type(score.item.feed).objects.filter(pk=score.item.feed.pk).exists()
