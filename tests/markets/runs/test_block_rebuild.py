from datetime import date
from typing import Any

import pytest

from markets.models import DailyBar, Market, PriceBlock
from markets.runs import block_rebuild
from markets.runs.block_rebuild import Rebuilt
from tests.markets.factories import NOON, AssetFactory, store_daily_bars
from tests.support.statements import statements

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PACKED = ["close", "volume", "market_cap", "ranges", "sources", "quality"]


@pytest.fixture
def coin():
    """Bars of three calendar years, with holes."""
    coin = AssetFactory.create()
    closes = [None if day % 11 == 3 else 1.0 + day / 7 for day in range(500)]
    store_daily_bars(
        coin,
        date(2019, 11, 1),
        closes,
        open=[None if day % 5 == 1 else 2.0 for day in range(500)],
        volume=[None if day % 3 == 1 else float(day) for day in range(500)],
        quality=3,
    )
    return coin


def stored() -> list[Any]:
    return list(PriceBlock.objects.order_by("asset_id", "year").values())


def version() -> int:
    return Market.objects.get().data_version


def damage(column: str, place: int) -> None:
    """Turn every bit of one byte of the blocks of 2020."""
    block = PriceBlock.objects.get(year=2020)
    packed = bytearray(getattr(block, column))
    packed[place] ^= 0xFF
    PriceBlock.objects.filter(year=2020).update(**{column: bytes(packed)})


def test_blocks_that_agree_with_their_bars_are_left_alone(coin):
    before = (stored(), version())

    with statements() as said:
        assert list(block_rebuild.perform([coin.pk], at=NOON)) == [Rebuilt(coin.pk, blocks=3, wrong=0)]

    assert (stored(), version()) == before
    assert {statement.split()[0] for statement in said} == {"SAVEPOINT", "SELECT", "RELEASE"}


@pytest.mark.parametrize("column", PACKED)
@pytest.mark.parametrize("place", [0, -1])
def test_flipped_byte_is_found_and_put_right(coin, column, place):
    right, before = stored(), version()
    damage(column, place)

    assert list(block_rebuild.perform([coin.pk], at=NOON)) == [Rebuilt(coin.pk, blocks=3, wrong=1)]

    assert stored() == right
    assert version() == before + 1


@pytest.mark.parametrize("column", PACKED)
@pytest.mark.parametrize("size", [0, 7])
def test_vector_that_was_cut_short_is_found_and_put_right(coin, column, size):
    right = stored()
    PriceBlock.objects.filter(year=2020).update(**{column: bytes(size)})

    assert [rebuilt.wrong for rebuilt in block_rebuild.perform([coin.pk], at=NOON)] == [1]

    assert stored() == right


@pytest.mark.parametrize("changes", [{"row_count": 7}, {"checksum": 7}])
def test_wrong_count_or_checksum_is_found_and_put_right(coin, changes):
    right = stored()
    PriceBlock.objects.filter(year=2021).update(**changes)

    assert [rebuilt.wrong for rebuilt in block_rebuild.perform([coin.pk], at=NOON)] == [1]

    assert stored() == right


def test_missing_block_is_made(coin):
    right = stored()
    PriceBlock.objects.filter(year=2020).delete()

    assert list(block_rebuild.perform([coin.pk], at=NOON)) == [Rebuilt(coin.pk, blocks=3, wrong=1)]

    assert stored() == right


def test_block_without_bars_is_removed(coin):
    right = stored()
    PriceBlock.objects.create(**PriceBlock.objects.values().get(year=2020) | {"year": 2031})

    assert list(block_rebuild.perform([coin.pk], at=NOON)) == [Rebuilt(coin.pk, blocks=3, wrong=1)]

    assert stored() == right


def test_blocks_of_an_asset_whose_bars_are_all_gone_are_removed(coin):
    DailyBar.objects.all().delete()

    assert list(block_rebuild.perform([coin.pk], at=NOON)) == [Rebuilt(coin.pk, blocks=0, wrong=3)]

    assert stored() == []


def test_every_block_comes_back_from_the_bars_alone(coin):
    other = AssetFactory.create()
    store_daily_bars(other, date(2020, 12, 31), [5.0, 6.0])
    right = stored()
    PriceBlock.objects.all().delete()

    rebuilt = list(block_rebuild.perform(block_rebuild.asset_ids(), at=NOON))

    assert rebuilt == [Rebuilt(coin.pk, 3, 3), Rebuilt(other.pk, 2, 2)]
    assert stored() == right


def test_dry_run_counts_and_writes_nothing(coin):
    PriceBlock.objects.filter(year=2019).delete()
    damage("volume", 8)
    PriceBlock.objects.create(**PriceBlock.objects.values().get(year=2020) | {"year": 2031})
    before = (stored(), version())

    assert list(block_rebuild.perform([coin.pk], at=NOON, dry_run=True)) == [Rebuilt(coin.pk, blocks=3, wrong=3)]

    assert (stored(), version()) == before


def test_blocks_of_other_assets_are_left_alone(coin):
    other = AssetFactory.create()
    store_daily_bars(other, date(2020, 12, 31), [5.0, 6.0])
    PriceBlock.objects.filter(asset=other).update(checksum=7)

    assert [rebuilt.wrong for rebuilt in block_rebuild.perform([coin.pk], at=NOON)] == [0]

    assert set(PriceBlock.objects.filter(asset=other).values_list("checksum", flat=True)) == {7}


def test_every_asset_with_bars_or_blocks_is_looked_at(coin):
    gone, *_ = AssetFactory.create_batch(2)
    PriceBlock.objects.create(**PriceBlock.objects.values().get(year=2020) | {"asset_id": gone.pk})

    assert block_rebuild.asset_ids() == [coin.pk, gone.pk]


def test_correction_after_a_rebuild_is_still_noticed(coin):
    PriceBlock.objects.all().delete()
    list(block_rebuild.perform([coin.pk], at=NOON))

    assert store_daily_bars(coin, date(2019, 11, 1), [1.0], open=[2.5], volume=[0.0], quality=3).updated == 1
    assert [rebuilt.wrong for rebuilt in block_rebuild.perform([coin.pk], at=NOON)] == [0]


def test_bars_are_read_only_once_nobody_else_stores_any(coin):
    with statements() as said:
        list(block_rebuild.perform([coin.pk], at=NOON))

    asked = [next((word for word in ("advisory", "dailybar") if word in statement), "") for statement in said]
    assert [word for word in asked if word] == ["advisory", "dailybar"]
