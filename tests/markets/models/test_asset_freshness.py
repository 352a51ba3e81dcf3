from datetime import timedelta

import pytest

from markets.freshness import fresh_until
from markets.models import Asset
from tests.markets.factories import NOON, AssetFactory, QuoteFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

AGES = [timedelta(0), timedelta(minutes=9), timedelta(minutes=10), timedelta(minutes=119), timedelta(hours=2)]


def test_assets_are_fresh_or_stale_as_the_rule_of_freshness_says() -> None:
    quotes = [QuoteFactory.create(as_of=NOON - age, rank=rank) for age in AGES for rank in (None, 1, 50, 51)]
    expected = {quote.asset_id for quote in quotes if fresh_until(quote.as_of, quote.rank) > NOON}

    fresh = set(Asset.objects.fresh(NOON).values_list("pk", flat=True))

    assert fresh == expected
    assert 0 < len(fresh) < len(quotes)
    assert set(Asset.objects.stale(NOON).values_list("pk", flat=True)) == {q.asset_id for q in quotes} - expected


def test_asset_without_a_quote_is_stale() -> None:
    asset = AssetFactory.create()

    assert list(Asset.objects.stale(NOON)) == [asset]
    assert not Asset.objects.fresh(NOON).exists()
