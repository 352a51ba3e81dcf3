"""What the database refuses whoever writes: states that cannot be, beside the asset's own."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from markets.models import (
    Category,
    DailyBar,
    Divergence,
    Market,
    PriceBlock,
    PriceOverride,
    QuarantinedRecord,
    Quote,
    RawAnswer,
    Snapshot,
    Source,
    SyncRun,
)
from tests.markets.factories import (
    NOON,
    AssetFactory,
    CategoryFactory,
    DivergenceFactory,
    PriceOverrideFactory,
    QuarantinedRecordFactory,
    QuoteFactory,
    RawAnswerFactory,
    SnapshotFactory,
    SourceFactory,
    SyncRunFactory,
    store_daily_bars,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NO_PRICES = [0.0, -1.0, float("inf"), float("nan")]


def refuses(rows: models.QuerySet[Any], constraint: str, **changes: object) -> None:
    """Asserts that the database refuses these changes of the rows, by the constraint of that name."""
    before = list(rows.values())
    assert before

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        rows.update(**changes)

    assert list(rows.values()) == before


@pytest.mark.parametrize("price", NO_PRICES)
def test_price_of_a_quote_is_positive_and_finite_or_missing(price):
    QuoteFactory.create()

    refuses(Quote.objects.all(), "quote_price_possible", price=price)
    Quote.objects.update(price=None)


@pytest.mark.parametrize("price", NO_PRICES)
def test_price_of_a_snapshot_is_positive_and_finite_or_missing(price):
    SnapshotFactory.create()

    refuses(Snapshot.objects.all(), "price_check", price=price)
    Snapshot.objects.update(price=None)


@pytest.mark.parametrize("close", NO_PRICES)
def test_close_of_a_bar_is_positive_and_finite(close):
    store_daily_bars(AssetFactory.create(), date(2020, 1, 1), [1.0])

    refuses(DailyBar.objects.all(), "close_check", close=close)


def test_close_of_a_bar_is_never_missing():
    store_daily_bars(AssetFactory.create(), date(2020, 1, 1), [1.0])

    refuses(DailyBar.objects.all(), 'null value in column "close"', close=None)


def test_asset_has_one_bar_a_day_one_snapshot_an_instant_one_block_a_year_and_one_quote():
    coin = AssetFactory.create()
    store_daily_bars(coin, date(2020, 1, 1), [1.0])
    SnapshotFactory.create(asset=coin)
    QuoteFactory.create(asset=coin)
    kinds: list[Any] = [DailyBar, Snapshot, PriceBlock, Quote]
    for model in kinds:
        row = model.objects.values(*(field.attname for field in model._meta.concrete_fields)).get()

        with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
            model.objects.bulk_create([model(**row)])

        assert model.objects.count() == 1


def test_there_is_one_market():
    with pytest.raises(IntegrityError, match="market_is_one_row"), transaction.atomic():
        Market.objects.create(id=2)

    assert list(Market.objects.values_list("pk", flat=True)) == [1]


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"price": 0}, "price_override_positive"),
        ({"price": -1}, "price_override_positive"),
        ({"ends_at": NOON}, "price_override_ends"),
        ({"starts_at": NOON + timedelta(days=2)}, "price_override_ends"),
    ],
)
def test_price_set_by_hand_is_positive_and_ends_after_its_start(changes, constraint):
    PriceOverrideFactory.create()

    refuses(PriceOverride.objects.all(), constraint, **changes)


def test_price_set_by_hand_is_in_force_from_its_start_until_before_its_end():
    override = PriceOverrideFactory.create()
    PriceOverrideFactory.create(withdrawn_at=NOON)

    found = [
        list(PriceOverride.objects.in_force(NOON + after))
        for after in (timedelta(seconds=-1), timedelta(0), timedelta(hours=24, seconds=-1), timedelta(hours=24))
    ]

    assert found == [[], [override], [override], []]


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "dismissed"}, "quarantine_decided_when_not_open"),
        ({"state": "accepted"}, "quarantine_decided_when_not_open"),
        ({"decided_at": NOON}, "quarantine_decided_when_not_open"),
    ],
)
def test_refused_row_is_open_or_decided_about_at_some_time(changes, constraint):
    QuarantinedRecordFactory.create()

    refuses(QuarantinedRecord.objects.all(), constraint, **changes)


def test_refused_row_is_open_once_for_each_reason():
    decided = {"state": "dismissed", "decided_at": NOON}
    said: dict[str, Any] = {"provider": "coingecko", "external_id": "btc", "reason": "negative"}
    for changes in ({}, decided, decided, {"reason": "zero_price"}, {"provider": "another"}, {"external_id": "eth"}):
        QuarantinedRecordFactory.create(**said | changes)

    with pytest.raises(IntegrityError, match="quarantine_one_open_per_row_and_reason"), transaction.atomic():
        QuarantinedRecordFactory.create(**said)

    assert (QuarantinedRecord.objects.count(), QuarantinedRecord.objects.open().count()) == (6, 4)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"received": 1}, "sync_run_counts_add_up"),
        ({"inserted": 1}, "sync_run_counts_add_up"),
        ({"received": 3, "updated": 1, "unchanged": 1}, "sync_run_counts_add_up"),
        ({"finished_at": NOON}, "sync_run_finished_when_over"),
        ({"state": "succeeded"}, "sync_run_finished_when_over"),
        ({"state": "failed"}, "sync_run_finished_when_over"),
    ],
)
def test_counts_of_a_sync_add_up_and_it_ends_when_it_is_over(changes, constraint):
    SyncRunFactory.create()

    refuses(SyncRun.objects.all(), constraint, **changes)


def test_every_fate_of_a_row_counts_once():
    SyncRunFactory.create()

    assert SyncRun.objects.update(received=10, inserted=1, updated=2, unchanged=3, quarantined=4) == 1


def test_sync_that_goes_on_has_no_duration_yet():
    running = SyncRunFactory.create()
    over = SyncRunFactory.create(state="failed", finished_at=NOON + timedelta(seconds=1.5))

    assert list(SyncRun.objects.running()) == [running]
    assert (running.duration_seconds, over.duration_seconds) == (None, 1.5)


def test_disagreement_is_kept_once_for_each_run_asset_and_provider():
    known = DivergenceFactory.create()
    same = {"run": known.run, "asset": known.asset}
    DivergenceFactory.create(**same, other_provider="a third")
    DivergenceFactory.create(asset=known.asset)

    with pytest.raises(IntegrityError, match="divergence_once_per_run"), transaction.atomic():
        DivergenceFactory.create(**same)

    assert Divergence.objects.count() == 3


@pytest.mark.parametrize(("model", "field"), [(Source, "name"), (RawAnswer, "sha256"), (Category, "slug")])
def test_sources_contents_and_categories_are_unique(model, field):
    for factory in (SourceFactory, RawAnswerFactory, CategoryFactory):
        factory.create()
    row = model.objects.values().get()

    with pytest.raises(IntegrityError, match=field), transaction.atomic():
        model.objects.create(**row | {"id": None})

    assert model.objects.count() == 1


def test_rows_name_themselves():
    coin = AssetFactory.create(slug="bitcoin", symbol="BTC")
    store_daily_bars(coin, date(2020, 3, 12), [4970.79])
    bar, block = DailyBar.objects.get(), PriceBlock.objects.get()

    assert str(bar) == f"{coin.pk} 2020-03-12: 4970.79"
    assert str(block) == f"{coin.pk} 2020: 1 bars"
    assert str(SnapshotFactory.create(asset=coin)) == f"{coin.pk} 2026-03-12 12:00: 100.0"
    assert str(QuoteFactory.create(asset=coin)) == "BTC (bitcoin): 100.0 USD"
    assert str(SourceFactory.create(name="observer")) == "observer"
    assert str(SyncRunFactory.create()) == "observer 2026-03-12 12:00:00 running"
    assert str(PriceOverrideFactory.create(asset=coin)) == "BTC (bitcoin): 50 USD until 2026-03-13 12:00"
    assert str(DivergenceFactory.create(asset=coin)) == "BTC (bitcoin): observer 100.0, other 110.0"
    assert str(QuarantinedRecordFactory.create(external_id="btc")) == "coingecko btc: zero_price"
