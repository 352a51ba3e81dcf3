from datetime import date, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from config.kernel import partitions
from config.kernel.partitions import Period
from markets import versions
from markets.actions import market
from markets.actions.market import Simulation
from markets.models import (
    DailyBar,
    Divergence,
    Market,
    NewsWording,
    PriceOverride,
    ProviderState,
    QuarantinedRecord,
    RawAnswer,
)
from tests.accounts.factories import UserFactory
from tests.markets.factories import (
    NOON,
    AssetFactory,
    CategoryFactory,
    ExternalIdFactory,
    IndicatorValueFactory,
    NewsScoreFactory,
    QuoteFactory,
    SnapshotFactory,
    SyncRunFactory,
    store_daily_bars,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SIMULATION = Simulation(seed=7, assets=40, days=100, end=date(2026, 3, 12))


def test_every_change_makes_a_new_version_and_says_when():
    first = market.touch(at=NOON - timedelta(hours=1))

    assert market.touch(at=NOON) == first + 1
    assert Market.objects.values("data_version", "changed_at").get() == {"data_version": first + 1, "changed_at": NOON}


def test_version_is_counted_although_the_one_row_was_lost():
    Market.objects.all().delete()

    assert [market.touch(at=NOON), market.touch(at=NOON)] == [1, 2]


def test_readers_hear_of_a_version_after_the_commit_and_not_of_one_that_is_rolled_back(
    redis_server: Any, django_capture_on_commit_callbacks: Any
):
    with django_capture_on_commit_callbacks(execute=True):
        version = market.touch(at=NOON)
        before_commit = redis_server.get(versions.KEY)
        with transaction.atomic():
            market.touch(at=NOON)
            transaction.set_rollback(True)

    assert (before_commit, redis_server.get(versions.KEY)) == (None, str(version).encode())


def test_real_market_is_simulated_from_nothing():
    assert market.simulation() is None
    assert not Market.objects.get().is_simulated
    assert str(Market.objects.get()) == "market"


def test_simulated_market_remembers_everything_that_decides_its_numbers():
    before = Market.objects.get().data_version

    market.mark_simulated(SIMULATION, at=NOON)

    assert market.simulation() == SIMULATION
    assert Market.objects.get().is_simulated
    assert str(Market.objects.get()) == "simulated market"
    assert Market.objects.get().data_version == before + 1


def test_cleared_market_is_real_and_empty():
    fill_every_table()
    before = Market.objects.get().data_version

    market.clear(at=NOON)

    assert {name: count for name, count in row_counts().items() if count} == {
        "markets_market": 1,
        "markets_newsfeed": 4,  # whom to read is a decision of people, as is whom to ask
        "markets_providerstate": 1,
    }
    assert [partitions.suffixes(table) for table in ("markets_dailybar", "markets_snapshot")] == [[], []]
    assert market.simulation() is None
    assert Market.objects.get().data_version == before + 1


def test_cleared_market_knows_when_it_began():
    market.clear(at=NOON)

    assert Market.objects.get().began_at == NOON


def test_clearing_that_is_rolled_back_removes_nothing():
    fill_every_table()
    before = row_counts()

    with transaction.atomic():
        market.clear(at=NOON)
        transaction.set_rollback(True)

    assert row_counts() == before
    assert market.simulation() == SIMULATION


def fill_every_table() -> None:
    market.mark_simulated(SIMULATION, at=NOON)
    coin = AssetFactory.create()
    coin.categories.add(CategoryFactory.create())
    ExternalIdFactory.create(asset=coin)
    QuoteFactory.create(asset=coin)
    store_daily_bars(coin, date(2025, 12, 31), [1.0, 2.0])
    DailyBar.objects.create(asset=coin, day=date(2031, 1, 1), close=1.0, source_id=1)  # waits in the default partition
    partitions.ensure("markets_snapshot", [Period.month(NOON.date())])
    SnapshotFactory.create(asset=coin)
    SnapshotFactory.create(asset=coin, at=NOON - timedelta(days=900))
    run = SyncRunFactory.create()
    ProviderState.objects.create(name="observer")
    QuarantinedRecord.objects.create(
        provider="observer", reason="negative", run=run, first_seen_at=NOON, last_seen_at=NOON
    )
    Divergence.objects.create(
        asset=coin,
        run=run,
        observed_at=NOON,
        provider="observer",
        price=1.0,
        other_provider="another",
        other_price=2.0,
        deviation=100.0,
    )
    RawAnswer.objects.create(
        sha256=bytes(32), provider="observer", endpoint="/", received_at=NOON, body_zstd=b"", size=0
    )
    PriceOverride.objects.create(
        asset=coin,
        price=1.0,
        reason="A test.",
        starts_at=NOON,
        ends_at=NOON + timedelta(days=1),
        created_by=UserFactory.create(),
    )
    IndicatorValueFactory.create()
    item = NewsScoreFactory.create().item
    item.mentions.create(asset=coin, matched_by="name", term="Coin")
    NewsWording.objects.create(item=item, title="Before.", replaced_at=NOON)
    assert all(row_counts().values()), "a table of markets that this cast does not fill"


def row_counts() -> dict[str, int]:
    models = list(apps.get_app_config("markets").get_models(include_auto_created=True))
    with connection.cursor() as cursor:
        counts = {}
        for model in models:
            cursor.execute("".join(["SELECT count(*) FROM ", connection.ops.quote_name(model._meta.db_table)]))
            counts[model._meta.db_table] = int(cursor.fetchone()[0])
    return counts
