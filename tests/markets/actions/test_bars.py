"""Rows, blocks, coverage and the data version agree after whatever was stored."""

import math
import struct
import zlib
from collections import Counter
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.kernel import partitions
from markets.actions import bars
from markets.actions.bars import TABLE, StoredBars
from markets.blocks import FIELDS, BarTable
from markets.models import Asset, DailyBar, Market, PriceBlock
from markets.models.price_block import SLOTS
from tests.markets.factories import NOON, AssetFactory, SourceFactory, daily_bars, store_daily_bars
from tests.support.statements import statements

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

EPOCH = date(1970, 1, 1)
DAYS = [
    *(date(2019, 12, 30) + timedelta(days=n) for n in range(4)),
    *(date(2020, 2, 28) + timedelta(days=n) for n in range(3)),
    *(date(2020, 12, 31) + timedelta(days=n) for n in range(2)),
]
PAYLOAD_NAN = struct.unpack("<d", b"\x01\x00\x00\x00\x00\x00\xff\xff")[0]


@dataclass(frozen=True)
class Bar:
    """What is said of one asset's day: the numbers in the order of `FIELDS`, NaN = missing."""

    values: tuple[float, ...]
    source: int
    quality: int

    @property
    def bits(self) -> tuple[bytes | None, ...]:
        return tuple(None if math.isnan(value) else struct.pack(">d", value) for value in self.values)

    @property
    def canonical(self) -> tuple[float, ...]:
        return tuple(math.nan if math.isnan(value) else value for value in self.values)

    def says_the_same_as(self, other: "Bar") -> bool:
        return self._said == other._said

    @property
    def _said(self) -> tuple[object, ...]:
        # Of open, high and low the bits are compared, of the others the numbers: there 0.0 and -0.0 are one.
        kept = tuple(None if math.isnan(value) else value for value in self.values[3:])
        return (self.bits[:3], kept, self.source, self.quality)


ABSENT = Bar((math.nan,) * 6, 0, 0)

Key = tuple[int, date]
Batch = dict[Key, Bar]

closes = st.sampled_from([1.0, 2.0]) | st.floats(5e-324, 1.7976931348623157e308, allow_subnormal=True)
numbers = st.sampled_from([math.nan, PAYLOAD_NAN, 0.0, -0.0, 1.0]) | st.floats(allow_infinity=False)
said_bars = st.builds(
    lambda others, close, source, quality: Bar((*others[:3], close, *others[3:]), source, quality),
    st.tuples(numbers, numbers, numbers, numbers, numbers),
    closes,
    st.sampled_from([1, 2, 32_767]),
    st.integers(0, 7),
)
batches = st.dictionaries(st.tuples(st.integers(0, 2), st.sampled_from(DAYS)), said_bars, max_size=14)


def table(batch: Batch) -> BarTable:
    keys = sorted(batch)
    return BarTable(
        asset_id=np.array([asset_id for asset_id, _ in keys], np.int32),
        day=np.array([(day - EPOCH).days for _, day in keys], np.int32),
        values=np.array([batch[key].values for key in keys], np.float64).reshape(len(keys), len(FIELDS)),
        source_id=np.array([batch[key].source for key in keys], np.int16),
        quality=np.array([batch[key].quality for key in keys], np.uint8),
    )


def rows() -> dict[Key, tuple[object, ...]]:
    """What the row table holds, every float as its bits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT asset_id, day, source_id, quality, float8send(open), float8send(high), float8send(low),"
            " float8send(close), float8send(volume), float8send(market_cap) FROM markets_dailybar"
        )
        return {
            (row[0], row[1]): (*row[2:4], *(None if sent is None else bytes(sent) for sent in row[4:]))
            for row in cursor.fetchall()
        }


def blocks() -> dict[tuple[int, int], tuple[object, ...]]:
    """What the blocks hold, but for the digests."""
    return {
        block.pk: (
            bytes(block.close),
            bytes(block.volume),
            bytes(block.market_cap),
            bytes(block.sources),
            bytes(block.quality),
            block.row_count,
            block.checksum,
        )
        for block in PriceBlock.objects.all()
    }


def blocks_of(believed: Batch) -> dict[tuple[int, int], tuple[object, ...]]:
    """The blocks that these bars make, a value at a time."""
    made: dict[tuple[int, int], tuple[object, ...]] = {}
    for asset_id, year in {(asset_id, day.year) for asset_id, day in believed}:
        days = [date(year, 1, 1) + timedelta(days=slot) for slot in range(SLOTS)]
        in_year = [believed.get((asset_id, day)) if day.year == year else None for day in days]
        vectors = [
            b"".join(struct.pack("<d", (bar or ABSENT).canonical[field]) for bar in in_year)
            for field in map(FIELDS.index, ("close", "volume", "market_cap"))
        ]
        made[asset_id, year] = (
            *vectors,
            b"".join(struct.pack("<h", (bar or ABSENT).source) for bar in in_year),
            bytes((bar or ABSENT).quality for bar in in_year),
            sum(bar is not None for bar in in_year),
            zlib.crc32(b"".join(vectors)),
        )
    return made


def coverage() -> dict[int, tuple[date | None, date | None]]:
    return {asset.pk: (asset.bars_from, asset.bars_to) for asset in Asset.objects.all()}


def version() -> int:
    return Market.objects.get().data_version


def everything() -> tuple[object, ...]:
    return rows(), blocks(), coverage(), version(), partitions.suffixes(TABLE)


def days_of(believed: Batch, asset_id: int) -> list[date]:
    return [day for known, day in believed if known == asset_id]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.lists(st.tuples(batches, st.booleans()), min_size=1, max_size=5))
def test_rows_and_blocks_say_the_same_bit_for_bit_after_any_sequence_of_stores(sequence):
    with transaction.atomic():
        ids = [AssetFactory.create().pk for _ in range(3)]
        believed: Batch = {}
        for drawn, replace_existing in sequence:
            batch = {(ids[place], day): bar for (place, day), bar in drawn.items()}
            fate = Counter(
                "inserted"
                if key not in believed
                else "updated"
                if replace_existing and not bar.says_the_same_as(believed[key])
                else "unchanged"
                for key, bar in batch.items()
            )
            before = version()

            stored = bars.store(table(batch), at=NOON, replace_existing=replace_existing)

            assert stored == StoredBars(**fate)
            assert version() == before + bool(fate["inserted"] + fate["updated"])
            for key, bar in batch.items():
                if key not in believed or (replace_existing and not bar.says_the_same_as(believed[key])):
                    believed[key] = bar
            assert rows() == {key: (bar.source, bar.quality, *bar.bits) for key, bar in believed.items()}
            assert blocks() == blocks_of(believed)
            assert coverage() == {
                asset_id: (min(days, default=None), max(days, default=None))
                for asset_id in ids
                for days in [days_of(believed, asset_id)]
            }
        transaction.set_rollback(True)


def test_repeat_changes_nothing():
    coin = AssetFactory.create()
    given_bars = daily_bars(coin, date(2019, 12, 30), [1.0, 2.0, None, 4.0], volume=[5.0, None, None, 0.0])
    bars.store(given_bars, at=NOON)
    before = everything()

    assert bars.store(given_bars, at=NOON + timedelta(days=1)) == StoredBars(unchanged=3)

    assert everything() == before


def test_repeat_writes_nothing():
    coin = AssetFactory.create()
    given_bars = daily_bars(coin, date(2019, 12, 30), [1.0, 2.0, 3.0])
    bars.store(given_bars, at=NOON)

    with statements() as said:
        bars.store(given_bars, at=NOON)

    verbs = {statement.split()[0] for statement in said}
    assert verbs <= {"SELECT", "SAVEPOINT", "RELEASE"}


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "close"])
@pytest.mark.parametrize(("before", "after"), [(1.0, 1.0000000000000002), (1.0, None), (None, 1.0)])
def test_correction_of_a_single_number_is_noticed(field, before, after):
    coin, start = AssetFactory.create(), date(2020, 1, 1)
    said: dict[str, Any] = {field: [before, before]}
    corrected: dict[str, Any] = {field: [before, after]}
    store_daily_bars(coin, start, [2.0, 2.0], **said)

    stored = store_daily_bars(coin, start, [2.0, 2.0], **corrected)

    assert stored == StoredBars(updated=1, unchanged=1)
    assert list(DailyBar.objects.order_by("day").values_list(field, flat=True)) == [before, after]


@pytest.mark.parametrize("changes", [{"source": "another"}, {"quality": 1}])
def test_correction_of_the_provenance_is_noticed(changes):
    coin = AssetFactory.create()
    store_daily_bars(coin, date(2020, 1, 1), [2.0])

    assert store_daily_bars(coin, date(2020, 1, 1), [2.0], **changes) == StoredBars(updated=1)


def test_bar_that_exists_stays_when_it_may_not_be_replaced():
    coin = AssetFactory.create()
    store_daily_bars(coin, date(2020, 1, 1), [1.0])
    more = daily_bars(coin, date(2020, 1, 1), [9.0, 2.0], source="another")

    assert bars.store(more, at=NOON, replace_existing=False) == StoredBars(inserted=1, unchanged=1)

    assert list(DailyBar.objects.order_by("day").values_list("close", "source__name")) == [
        (1.0, "observer"),
        (2.0, "another"),
    ]


def test_no_bars_at_all_change_nothing():
    before = everything()

    with statements() as said:
        assert bars.store(table({}), at=NOON) == StoredBars()

    assert everything() == before
    assert not [statement for statement in said if "SAVEPOINT" not in statement]


def test_bars_outside_the_existing_partitions_create_them():
    coin = AssetFactory.create()
    assert partitions.suffixes(TABLE) == []

    store_daily_bars(coin, date(2019, 12, 31), [1.0, 2.0])

    assert partitions.suffixes(TABLE) == ["2019", "2020"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM markets_dailybar_default")
        assert cursor.fetchone() == (0,)


def test_a_leap_year_has_its_366_bars_and_the_next_year_begins_at_its_first_slot():
    coin = AssetFactory.create()
    closes = [float(n) for n in range(1, 368)]

    store_daily_bars(coin, date(2020, 1, 1), closes)

    leap, following = PriceBlock.objects.order_by("year")
    assert (leap.row_count, following.row_count) == (366, 1)
    assert np.frombuffer(leap.close, "<f8").tolist() == closes[:366]
    assert np.frombuffer(following.close, "<f8")[:2].tolist()[0] == 367.0
    assert np.isnan(np.frombuffer(following.close, "<f8")[1:]).all()


@pytest.mark.parametrize("impossible", [0.0, -1.0, math.inf])
def test_store_that_fails_in_the_middle_leaves_nothing(monkeypatch, impossible):
    monkeypatch.setattr(bars, "_GROUPS_AT_ONCE", 1)
    first, second = AssetFactory.create_batch(2)
    store_daily_bars(first, date(2020, 1, 1), [1.0])
    source, before = SourceFactory.create().pk, everything()
    batch = {
        (first.pk, date(2020, 1, 2)): Bar((math.nan,) * 3 + (2.0, math.nan, math.nan), source, 0),
        (second.pk, date(2021, 1, 1)): Bar((math.nan,) * 3 + (impossible, math.nan, math.nan), source, 0),
    }

    with pytest.raises(IntegrityError, match="close_check"):
        bars.store(table(batch), at=NOON)

    assert everything() == before


@pytest.mark.parametrize("groups_at_once", [1, 2, 3, 7])
def test_many_years_of_many_assets_are_stored_in_parts_without_loss(monkeypatch, groups_at_once):
    monkeypatch.setattr(bars, "_GROUPS_AT_ONCE", groups_at_once)
    assets = AssetFactory.create_batch(3)
    heard: list[int] = []
    source = SourceFactory.create().pk
    batch = {
        (asset.pk, day): Bar((math.nan,) * 3 + (float(number + 1), math.nan, math.nan), source, 0)
        for asset in assets
        for number, day in enumerate(DAYS)
    }

    stored = bars.store(table(batch), at=NOON, on_progress=heard.append)

    assert stored == StoredBars(inserted=27)
    assert sum(heard) == 27
    assert blocks() == blocks_of(batch)
    assert {key: row[5] for key, row in rows().items()} == {key: bar.bits[3] for key, bar in batch.items()}


def test_number_of_statements_does_not_grow_with_the_bars():
    counts = []
    for asset_count, days in ((1, 2), (12, 40)):
        assets = AssetFactory.create_batch(asset_count)
        tables = [daily_bars(asset, date(2020, 12, 31), [1.0] * days) for asset in assets]
        together = BarTable(
            *(np.concatenate([getattr(part, column.name) for part in tables]) for column in fields(BarTable))
        )
        with statements() as said:
            bars.store(together, at=NOON)
        counts.append(len(said))

    assert counts[0] == counts[1]


def test_results_of_parts_add_up():
    assert StoredBars(1, 2, 3) + StoredBars(10, 20, 30) == StoredBars(11, 22, 33)
