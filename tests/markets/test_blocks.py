import struct
import zlib
from datetime import date
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import assume, given
from hypothesis import strategies as st

from markets import blocks
from markets.blocks import BarTable, Blocks
from markets.models import PriceBlock
from markets.models.price_block import SLOTS
from tests.markets.factories import AssetFactory, daily_bars, store_daily_bars

EPOCH = date(1970, 1, 1)
with_database = pytest.mark.django_db

doubles = st.floats(allow_subnormal=True)


def one_bar(prices: tuple[float, float, float]) -> BarTable:
    """A bar with these open, high and low."""
    return BarTable(
        np.ones(1, np.int32),
        np.zeros(1, np.int32),
        np.array([[*prices, 1.0, 1.0, 1.0]]),
        np.ones(1, np.int16),
        np.zeros(1, np.uint8),
    )


def same_bits(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return struct.pack("3d", *first) == struct.pack("3d", *second)


def canonical(value: float) -> float:
    return float("nan") if np.isnan(value) else value


@given(st.lists(st.dates(date(1960, 1, 1), date(2105, 12, 31)), max_size=40))
def test_day_has_its_year_and_counts_from_new_years_day(days):
    years, slots = blocks.year_and_slot(np.array([(day - EPOCH).days for day in days], dtype=np.int32))

    assert years.tolist() == [day.year for day in days]
    assert slots.tolist() == [(day - date(day.year, 1, 1)).days for day in days]


@pytest.mark.parametrize(
    ("day", "slot"),
    [
        (date(2020, 1, 1), 0),
        (date(2020, 2, 29), 59),
        (date(2020, 12, 31), 365),
        (date(2021, 3, 1), 59),
        (date(2021, 12, 31), 364),
        (date(2100, 12, 31), 364),
    ],
)
def test_leap_years_are_a_slot_longer(day, slot):
    years, slots = blocks.year_and_slot(np.array([(day - EPOCH).days], dtype=np.int32))

    assert (years.tolist(), slots.tolist()) == ([day.year], [slot])


@given(st.tuples(doubles, doubles, doubles), st.tuples(doubles, doubles, doubles))
def test_another_open_high_or_low_gives_another_digest(before, after):
    assume(not same_bits(tuple(map(canonical, before)), tuple(map(canonical, after))))

    assert one_bar(before).range_digests().tolist() != one_bar(after).range_digests().tolist()


@given(st.tuples(doubles, doubles, doubles), st.integers(0, 2), st.integers(0, 63))
def test_a_single_bit_gives_another_digest(prices, place, bit):
    changed = np.array(prices)
    changed.view(np.uint64)[place] ^= np.uint64(1 << bit)
    assume(not np.isnan(changed[place]))

    assert one_bar(prices).range_digests().tolist() != one_bar(tuple(changed)).range_digests().tolist()


def test_missing_is_missing_whatever_the_bits_of_the_nan():
    payload = struct.unpack("<d", b"\x01\x00\x00\x00\x00\x00\xff\xff")[0]

    digests = [one_bar((nan, 2.0, 1.0)).range_digests().tolist() for nan in (np.nan, -np.nan, payload)]

    assert digests[0] == digests[1] == digests[2]


@with_database
def test_saved_blocks_come_back_in_the_order_asked_for():
    first, second = AssetFactory.create(), AssetFactory.create()
    store_daily_bars(first, date(2020, 12, 31), [1.0, 2.0], volume=[None, 5.0])
    store_daily_bars(second, date(2020, 1, 1), [3.0])

    loaded, found = blocks.load(
        np.array([second.pk, first.pk, second.pk, first.pk], np.int32), np.array([2020, 2021, 2021, 2020], np.int16)
    )

    assert found
    assert loaded.row_count.tolist() == [1, 1, 0, 1]
    assert [loaded.vectors[0, 0, 0], loaded.vectors[1, 0, 0], loaded.vectors[3, 0, 365]] == [3.0, 2.0, 1.0]
    assert (loaded.vectors[1, 1, 0], np.isnan(loaded.vectors[3, 1, 365])) == (5.0, True)


@with_database
def test_pairs_of_which_none_is_stored_come_back_empty():
    coin = AssetFactory.create()
    store_daily_bars(coin, date(2020, 1, 1), [1.0])

    loaded, found = blocks.load(np.array([coin.pk, coin.pk + 1], np.int32), np.array([2021, 2020], np.int16))

    assert not found
    assert np.isnan(loaded.vectors).all()


@with_database
def test_saving_replaces_the_blocks_of_the_same_pairs_and_no_others():
    coin = AssetFactory.create()
    store_daily_bars(coin, date(2020, 12, 31), [1.0, 2.0])
    kept = PriceBlock.objects.values().get(year=2021)

    with connection.cursor() as cursor:
        blocks.save(cursor, Blocks.empty(np.array([coin.pk], np.int32), np.array([2020], np.int16)))

    assert PriceBlock.objects.get(year=2020).row_count == 0
    assert PriceBlock.objects.values().get(year=2021) == kept


@with_database
def test_checksum_is_the_crc_of_the_three_vectors_in_their_order():
    coin = AssetFactory.create()
    store_daily_bars(coin, date(2020, 2, 29), [1.5], volume=[2.5], market_cap=[3.5])
    block = PriceBlock.objects.get()

    expected = [[value if slot == 59 else float("nan") for slot in range(SLOTS)] for value in (1.5, 2.5, 3.5)]
    packed = [struct.pack(f"<{SLOTS}d", *vector) for vector in expected]

    assert [bytes(block.close), bytes(block.volume), bytes(block.market_cap)] == packed
    assert block.checksum == zlib.crc32(b"".join(packed))


@with_database
def test_window_is_read_across_years_with_every_gap_missing():
    coin, other, without = AssetFactory.create_batch(3)
    store_daily_bars(coin, date(2019, 12, 31), [1.0, None, 3.0], market_cap=[10.0, None, None])
    store_daily_bars(other, date(2020, 1, 4), [9.0])

    ids = [without.pk, coin.pk, other.pk]
    read = blocks.read(["market_cap", "close"], ids, start=date(2019, 12, 30), end=date(2020, 1, 4))

    nan = np.nan
    assert list(read) == ["market_cap", "close"]
    np.testing.assert_array_equal(read["close"], [[nan] * 5, [nan, 1.0, nan, 3.0, nan], [nan] * 5])
    np.testing.assert_array_equal(read["market_cap"], [[nan] * 5, [nan, 10.0, nan, nan, nan], [nan] * 5])


@pytest.mark.parametrize("vector", ["open", "ranges", 'close" FROM accounts_user; --'])
def test_only_the_vectors_of_a_block_can_be_read(vector):
    with pytest.raises(ValueError, match="no such vector"):
        blocks.read(["close", vector], [1], start=date(2020, 1, 1), end=date(2020, 1, 2))


@with_database
@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, False),
        ({"open": 1.1}, True),
        ({"high": 2.1}, True),
        ({"low": 0.4}, True),
        ({"close": 1.6}, True),
        ({"volume": None}, True),
        ({"market_cap": 8.0}, True),
        ({"low": None}, True),
    ],
)
def test_bar_differs_from_its_slot_in_any_of_its_six_numbers(changes, differs):
    coin = AssetFactory.create()
    bar: dict[str, Any] = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 7.0, "market_cap": None}
    columns: list[dict[str, Any]] = [{name: [value] for name, value in said.items()} for said in (bar, bar | changes)]
    before, after = (daily_bars(coin, date(2020, 1, 1), **said) for said in columns)
    block = Blocks.empty(np.array([coin.pk], np.int32), np.array([2020], np.int16))
    place = np.zeros(1, np.intp)

    block.put(place, place, before)

    assert block.differs(place, place, after).tolist() == [differs]


def test_years_far_apart_do_not_disturb_each_other():
    years, slots = blocks.year_and_slot(np.array([0, 47_481], dtype=np.int32))

    assert list(zip(years.tolist(), slots.tolist(), strict=True)) == [(1970, 0), (2099, 364)]


@pytest.mark.django_db
@pytest.mark.parametrize("torn", [b"", b"\0" * 2, b"\0" * 8, b"\0" * 2_929])
def test_bytes_that_are_no_vector_are_refused(torn: bytes) -> None:
    asset = AssetFactory.create()
    store_daily_bars(asset, date(2020, 1, 1), [1.0])

    for vector in ("volume", "sources"):
        with transaction.atomic():
            PriceBlock.objects.update(**{vector: torn})
            with pytest.raises(ValueError, match="not as long as a year"):
                blocks.read([vector, "close"], [asset.pk], start=date(2020, 1, 1), end=date(2020, 1, 2))
            transaction.set_rollback(True)
