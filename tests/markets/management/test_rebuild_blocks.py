from datetime import date
from typing import Any

import pytest

from markets.models import PriceBlock
from tests.markets.factories import AssetFactory, store_daily_bars

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def damaged() -> list[Any]:
    """The blocks of two assets as they were; since then one of the first asset is gone, and one of the second wrong."""
    for slug in ("a", "b"):
        store_daily_bars(AssetFactory.create(slug=slug), date(2020, 12, 31), [1.0, 2.0])
    right = list(PriceBlock.objects.order_by("asset_id", "year").values())
    PriceBlock.objects.filter(asset__slug="a", year=2020).delete()
    PriceBlock.objects.filter(asset__slug="b", year=2021).update(checksum=0)
    return right


def stored() -> list[Any]:
    return list(PriceBlock.objects.order_by("asset_id", "year").values())


def test_says_how_many_blocks_were_wrong_and_the_second_time_that_none_is(manage, damaged):
    outcomes = [manage("rebuild_blocks").out for _ in range(2)]

    assert outcomes == [
        ["4 blocks of 2 assets checked; 2 were rewritten."],
        ["4 blocks of 2 assets checked; 0 were rewritten."],
    ]
    assert stored() == damaged


def test_dry_run_counts_and_writes_nothing(manage, damaged):
    before = stored()

    assert manage("rebuild_blocks", "--dry-run").out == ["4 blocks of 2 assets checked; 2 differ."]

    assert stored() == before


def test_only_the_named_assets_are_rebuilt(manage, damaged):
    assert manage("rebuild_blocks", "a").out == ["2 blocks of 1 assets checked; 1 were rewritten."]

    assert [block["checksum"] == 0 for block in stored()] == [False, False, False, True]


def test_name_that_is_no_asset_is_refused(manage, damaged):
    before = stored()

    outcome = manage("rebuild_blocks", "a", "nowhere", "elsewhere")

    assert (outcome.out, outcome.failure) == ([], "No such asset: nowhere, elsewhere.")
    assert stored() == before


def test_empty_market_has_nothing_to_rebuild(manage):
    assert manage("rebuild_blocks").out == ["0 blocks of 0 assets checked; 0 were rewritten."]
