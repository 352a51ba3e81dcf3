import pytest
from django.db import IntegrityError, transaction

from markets.models import Asset
from tests.markets.factories import AssetFactory, CategoryFactory, ExternalIdFactory, SourceFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_asset_is_found_by_slug_or_symbol_in_any_case():
    coin = AssetFactory.create(slug="bitcoin", symbol="BTC")
    AssetFactory.create(slug="litecoin", symbol="LTC")

    assert [list(Asset.objects.named(key)) for key in ("BitCoin", "btc")] == [[coin], [coin]]


def test_several_assets_may_share_a_symbol():
    pair = [AssetFactory.create(slug=slug, symbol="GLOW") for slug in ("glow-network", "glowworm")]

    assert list(Asset.objects.named("glow").order_by("slug")) == pair


def test_asset_that_is_not_active_is_not_listed():
    listed = AssetFactory.create()
    AssetFactory.create(is_active=False)

    assert list(Asset.objects.listed()) == [listed]


def test_names_are_searched_and_sorted_without_regard_to_case():
    coin = AssetFactory.create(slug="strasse", symbol="STR", name="STRASSE Straße")

    assert (coin.name_key, coin.search_key) == ("strasse strasse", "strasse strasse\nstrasse\nstr")


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"symbol": "btc"}, "asset_symbol_upper"),
        ({"slug": ""}, "asset_slug_not_empty"),
        ({"slug": "litecoin"}, "markets_asset_slug"),
    ],
)
def test_database_refuses_an_asset_that_cannot_be(changes, constraint):
    AssetFactory.create(slug="litecoin")
    coin = AssetFactory.create()
    before = Asset.objects.values().get(pk=coin.pk)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Asset.objects.filter(pk=coin.pk).update(**changes)

    assert Asset.objects.values().get(pk=coin.pk) == before


def test_a_source_calls_only_one_asset_by_an_id_and_another_source_may_call_another_so():
    known = ExternalIdFactory.create(external_id="1")
    ExternalIdFactory.create(external_id="1", source=SourceFactory.create(name="another"))

    with pytest.raises(IntegrityError, match="external_id_once_per_source"), transaction.atomic():
        ExternalIdFactory.create(external_id="1")

    assert list(known.source.external_ids.all()) == [known]


def test_assets_and_categories_are_shown_by_their_names():
    assert str(AssetFactory.create(slug="bitcoin", symbol="BTC")) == "BTC (bitcoin)"
    assert str(CategoryFactory.create(slug="layer-1", name="Layer 1")) == "Layer 1"
    assert str(ExternalIdFactory.create(external_id="90", source__name="coinlore")) == "coinlore:90"
