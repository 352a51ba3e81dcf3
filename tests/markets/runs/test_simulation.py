from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from markets import frames
from markets.actions import market
from markets.actions.market import Simulation
from markets.models import Asset, DailyBar, ExternalId, Market, PriceBlock, Quote, Snapshot, Source
from markets.providers.roster import NAMED
from markets.runs import simulation
from markets.runs.simulation import MarketNotEmpty, Parameters
from tests.markets.factories import NOON, AssetFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

TODAY = NOON.date()
SMALL = Parameters(assets=NAMED + 4, days=60, seed=7)


def rows() -> list[Sequence[Any]]:
    """Everything that was made, by slug and without the ids that a database gives."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.slug, a.symbol, a.name, a.bars_from, a.bars_to, b.day, b.open, b.high, b.low, b.close, b.volume,"
            " b.market_cap, b.quality FROM markets_dailybar b JOIN markets_asset a ON a.id = b.asset_id"
            " ORDER BY a.slug, b.day"
        )
        bars = cursor.fetchall()
    quotes = Quote.objects.order_by("asset__slug").values_list(
        *("asset__slug", "as_of", "rank", "price", "market_cap", "volume_24h", "change_24h", "change_7d", "ath", "atl")
    )
    return [*bars, *quotes]


def made(parameters: Parameters, at: datetime = NOON) -> list[Sequence[Any]]:
    """What these parameters make, in a market that is empty again afterwards."""
    with transaction.atomic():
        simulation.perform(parameters, at=at)
        found = rows()
        transaction.set_rollback(True)
    return found


def test_same_arguments_make_the_same_numbers_and_another_seed_makes_others():
    first, again, other = made(SMALL), made(SMALL), made(Parameters(SMALL.assets, SMALL.days, seed=8))

    assert first == again
    assert len(first) > SMALL.assets * 50
    assert {row[9] for row in first if len(row) == 13}.isdisjoint({row[9] for row in other if len(row) == 13})


def test_every_number_is_labelled_as_simulated():
    simulation.perform(SMALL, at=NOON)

    assert market.simulation() == Simulation(seed=7, assets=NAMED + 4, days=60, end=TODAY)
    assert Market.objects.get().is_simulated
    assert list(Source.objects.values_list("name", "is_simulated")) == [("simulated", True)]
    for model in (Quote, DailyBar, Snapshot):
        assert set(model.objects.values_list("source__name", flat=True)) == {"simulated"}
    assert all("simulated" in name for name in Asset.objects.values_list("name", flat=True))


def test_quotes_and_bars_belong_to_the_same_assets():
    stored = simulation.perform(SMALL, at=NOON)

    everyone = set(Asset.objects.values_list("pk", flat=True))
    assert len(everyone) == SMALL.assets
    assert set(Quote.objects.values_list("asset_id", flat=True)) == everyone
    assert set(DailyBar.objects.values_list("asset_id", flat=True)) == everyone
    assert set(PriceBlock.objects.values_list("asset_id", flat=True)) == everyone
    assert set(ExternalId.objects.values_list("asset__slug", flat=True)) == set(
        ExternalId.objects.values_list("external_id", flat=True)
    )
    assert (stored.inserted, stored.updated, stored.unchanged) == (DailyBar.objects.count(), 0, 0)


def test_last_bar_is_of_yesterday_and_every_quote_is_of_now():
    simulation.perform(SMALL, at=NOON)

    assert max(DailyBar.objects.values_list("day", flat=True)) == TODAY - timedelta(days=1)
    assert min(DailyBar.objects.values_list("day", flat=True)) == TODAY - timedelta(days=60)
    assert set(Quote.objects.values_list("as_of", flat=True)) == {NOON}
    ranks = Quote.objects.order_by("rank").values_list("rank", flat=True)
    assert list(ranks) == list(range(1, SMALL.assets + 1))


def test_day_of_the_market_is_that_of_utc():
    simulation.perform(Parameters(1, 3, 1), at=datetime.fromisoformat("2026-03-12T08:30+09:00"))

    assert list(DailyBar.objects.order_by("day").values_list("day", flat=True)) == [
        date(2026, 3, day) for day in (8, 9, 10)
    ]


def test_market_of_one_asset_and_one_day_can_be_made():
    stored = simulation.perform(Parameters(assets=1, days=1, seed=0), at=datetime(2026, 1, 1, tzinfo=UTC))

    assert stored.inserted == 1
    assert DailyBar.objects.values_list("asset__slug", "day").get() == ("bitcoin", date(2025, 12, 31))


def test_coins_that_share_a_symbol_stay_apart():
    simulation.perform(SMALL, at=NOON)

    assert list(Asset.objects.named("GLOW").order_by("slug").values_list("slug", flat=True)) == [
        "glow-network",
        "glowworm",
    ]


def test_blocks_hold_what_the_rows_hold():
    simulation.perform(SMALL, at=NOON)
    ids = list(Asset.objects.order_by("pk").values_list("pk", flat=True))

    frame = frames.price_frame(ids, start=TODAY - timedelta(days=60), end=TODAY)

    found = {
        (ids[row], frame.start + timedelta(days=int(column))): float(frame.values[row, column])
        for row, column in np.argwhere(~np.isnan(frame.values)).tolist()
    }
    assert found == {
        (asset_id, day): close for asset_id, day, close in DailyBar.objects.values_list("asset_id", "day", "close")
    }


def test_market_that_has_an_asset_is_left_as_it_is():
    AssetFactory.create()
    before = Market.objects.values().get()

    with pytest.raises(MarketNotEmpty):
        simulation.perform(SMALL, at=NOON)

    assert (Asset.objects.count(), Source.objects.count(), Quote.objects.count()) == (1, 0, 0)
    assert Market.objects.values().get() == before


def test_simulated_market_is_not_simulated_twice():
    simulation.perform(Parameters(2, 5, 1), at=NOON)
    before = rows()

    with pytest.raises(MarketNotEmpty):
        simulation.perform(Parameters(2, 5, 1), at=NOON)

    assert rows() == before


def test_simulation_that_is_interrupted_leaves_an_empty_real_market():
    class Interrupted(BaseException):
        pass

    def interrupt(bars: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        simulation.perform(SMALL, at=NOON, on_progress=interrupt)

    assert (Asset.objects.count(), Source.objects.count(), market.simulation()) == (0, 0, None)


def test_progress_is_told_in_bars():
    heard: list[int] = []

    stored = simulation.perform(SMALL, at=NOON, on_progress=heard.append)

    assert sum(heard) == stored.inserted
