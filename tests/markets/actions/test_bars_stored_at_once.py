from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import numpy as np
import pytest
from django.db import connection

from config.kernel import partitions
from markets.actions import bars
from markets.actions.bars import StoredBars
from markets.models import DailyBar, Market, PriceBlock
from tests.markets.factories import NOON, AssetFactory, daily_bars

pytestmark = pytest.mark.integration

ROUNDS = 20


def test_writers_of_one_block_lose_nothing_of_each_other(committed_db):
    coin, start = AssetFactory.create(), date(2020, 1, 1)
    everything = [float(day + 1) for day in range(4 * ROUNDS)]
    # Each writer has every fourth day; a round is one bar of each, all at once into the same block.
    parts = [
        [daily_bars(coin, start, [None] * day + [everything[day]]) for day in range(writer, 4 * ROUNDS, 4)]
        for writer in range(4)
    ]
    barrier = Barrier(4)

    def write(writer: int) -> StoredBars:
        try:
            total = StoredBars()
            for part in parts[writer]:
                barrier.wait(timeout=30)
                total += bars.store(part, at=NOON)
            return total
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as writers:
        stored = list(writers.map(write, range(4)))

    assert stored == [StoredBars(inserted=ROUNDS)] * 4
    assert list(DailyBar.objects.order_by("day").values_list("close", flat=True)) == everything
    block = PriceBlock.objects.get()
    assert np.frombuffer(block.close, "<f8")[: len(everything)].tolist() == everything
    assert block.row_count == len(everything)
    assert Market.objects.get().data_version == 4 * ROUNDS
    coin.refresh_from_db()
    assert (coin.bars_from, coin.bars_to) == (start, date(2020, 3, 20))
    assert partitions.suffixes(bars.TABLE) == ["2020"]


def test_of_writers_of_the_same_bars_one_inserts_and_the_others_find_them_there(committed_db):
    coin, barrier = AssetFactory.create(), Barrier(4)
    given_bars = daily_bars(coin, date(2019, 12, 1), [1.0] * 60)

    def write(_: int) -> StoredBars:
        try:
            barrier.wait(timeout=30)
            return bars.store(given_bars, at=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as writers:
        stored = list(writers.map(write, range(4)))

    assert sorted(stored, key=lambda result: result.inserted) == [*[StoredBars(unchanged=60)] * 3, StoredBars(60)]
    assert (DailyBar.objects.count(), Market.objects.get().data_version) == (60, 1)
