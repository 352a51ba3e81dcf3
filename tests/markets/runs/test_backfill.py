"""Histories from a provider that answers as told; the outside world is the only thing replaced."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from markets import feeds
from markets.actions.bars import StoredBars
from markets.errors import MarketIsOfAnotherKind, UnknownAsset
from markets.models import Asset, DailyBar, PriceBlock, QuarantinedRecord
from markets.providers.bars import Bars, day_number
from markets.providers.errors import NotFound, ProviderError, RateLimited
from markets.providers.listings import Listings
from markets.providers.provider import RawAnswer
from markets.providers.rejects import Reject
from markets.runs import backfill, simulation
from markets.runs.backfill import Backfilled, Parameters
from tests.markets.factories import NOON, AssetFactory, ExternalIdFactory, QuoteFactory, SourceFactory, store_daily_bars

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

START, END = date(2025, 12, 30), date(2026, 1, 4)


class Archive:
    """A provider with a price of 1.0 for every day of every coin, but for what it is told to raise."""

    name = "archive"
    label = "Archive"
    is_simulated = False

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.asked_in_transaction: list[bool] = []
        self.troubles: dict[str, ProviderError] = {}
        self.first = START
        self.prices: dict[int, float] = {}
        self.windows: set[tuple[date, date, datetime]] = set()

    def daily_history(self, external_id: str, start: date, end: date, at: datetime) -> tuple[RawAnswer | None, Bars]:
        self.asked.append(external_id)
        self.asked_in_transaction.append(connection.in_atomic_block)
        self.windows.add((start, end, at))
        if external_id in self.troubles:
            raise self.troubles[external_id]
        first = max(start, self.first)
        day = np.arange(day_number(first), day_number(end), dtype=np.int32)
        close = np.array([self.prices.get(index, 1.0) for index in range(len(day))])
        return None, Bars.of_one(external_id, self.name, day, close=close, volume=np.full(len(day), 5.0))

    def listings(self, limit: int, at: datetime) -> Iterator[tuple[RawAnswer, Listings]]:
        raise NotImplementedError

    def parse_listings(self, body: bytes, at: datetime) -> Listings:
        raise NotImplementedError

    def parse_history(self, body: bytes, external_id: str, at: datetime) -> Bars:
        raise NotImplementedError


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The only provider there is."""
    archive = Archive()
    monkeypatch.setattr(feeds, "providers", lambda name=None: [archive])
    return archive


def coin(slug: str, *, rank: int | None = None) -> Asset:
    """An asset that the archive calls by its slug in upper case."""
    known = ExternalIdFactory.create(asset__slug=slug, external_id=slug.upper(), source__name="archive")
    if rank is not None:
        QuoteFactory.create(asset=known.asset, rank=rank)
    return known.asset


def window(limit: int = 10, *slugs: str, again: bool = False) -> Parameters:
    return Parameters(START, END, limit, slugs, again=again)


def planned(parameters: Parameters) -> list[str]:
    return [external_id for _, external_id in backfill.plan(parameters)[1]]


def run(parameters: Parameters) -> list[Backfilled]:
    provider, assets = backfill.plan(parameters)
    return list(backfill.perform(parameters, provider=provider, assets=assets, now=lambda: NOON))


def test_history_of_the_window_is_stored_as_rows_and_blocks(archive):
    a = coin("a")

    assert run(window()) == [Backfilled(a, StoredBars(inserted=5))]

    bars = DailyBar.objects.order_by("day").values_list("asset_id", "day", "close", "volume", "open", "source__name")
    assert list(bars) == [(a.pk, START + timedelta(days=n), 1.0, 5.0, None, "archive") for n in range(5)]
    assert list(PriceBlock.objects.order_by("year").values_list("year", "row_count")) == [(2025, 2), (2026, 3)]
    a.refresh_from_db()
    assert (a.bars_from, a.bars_to) == (START, END - timedelta(days=1))
    assert archive.windows == {(START, END, NOON)}


def test_largest_assets_come_first_and_those_without_a_rank_last(archive):
    coin("unranked")
    coin("second", rank=2)
    coin("first", rank=1)

    assert planned(window()) == ["FIRST", "SECOND", "UNRANKED"]
    assert planned(window(2)) == ["FIRST", "SECOND"]


def test_only_named_assets_are_asked_for(archive):
    for slug in ("a", "b", "c"):
        coin(slug)

    assert planned(window(10, "c", "a")) == ["A", "C"]


@pytest.mark.parametrize("slug", ["nowhere", "elsewhere", "inactive"])
def test_name_that_the_provider_has_no_listed_asset_for_is_refused(archive, slug):
    coin("a")
    AssetFactory.create(slug="elsewhere")
    Asset.objects.filter(pk=coin("inactive").pk).update(is_active=False)

    with pytest.raises(UnknownAsset) as refused:
        backfill.plan(window(10, "a", slug))

    assert slug in refused.value.message
    assert archive.asked == []


def test_assets_that_are_not_listed_or_that_the_provider_does_not_know_are_left_out(archive):
    coin("a")
    Asset.objects.filter(pk=coin("inactive").pk).update(is_active=False)
    ExternalIdFactory.create(source=SourceFactory.create(name="another"))

    assert planned(window()) == ["A"]


@pytest.mark.parametrize(
    ("start", "days", "is_asked"),
    [
        (START, 5, False),
        (START - timedelta(days=9), 30, False),
        (START + timedelta(days=1), 5, True),
        (START, 4, True),
    ],
)
def test_asset_whose_bars_cover_the_window_is_skipped(archive, start, days, is_asked):
    store_daily_bars(coin("a"), start, [1.0] * days)

    assert planned(window()) == ["A"] * is_asked
    assert planned(window(again=True)) == ["A"]


def test_asset_that_the_provider_does_not_have_is_passed_over(archive):
    a, b, c = coin("a"), coin("b"), coin("c")
    archive.troubles["B"] = NotFound("archive", "no such coin")

    assert run(window()) == [
        Backfilled(a, StoredBars(inserted=5)),
        Backfilled(b, StoredBars(), "archive: not_found: no such coin"),
        Backfilled(c, StoredBars(inserted=5)),
    ]


def test_any_other_failure_ends_the_run_and_the_next_one_goes_on_where_it_stopped(archive):
    for slug in ("a", "b", "c"):
        coin(slug)
    archive.troubles["B"] = RateLimited("archive", "slow down", retry_after=60.0)

    with pytest.raises(RateLimited):
        run(window())
    assert archive.asked == ["A", "B"]
    assert set(DailyBar.objects.values_list("asset__slug", flat=True)) == {"a"}

    archive.troubles.clear()
    archive.asked.clear()
    assert [result.stored for result in run(window())] == [StoredBars(inserted=5)] * 2
    assert archive.asked == ["B", "C"]
    assert DailyBar.objects.count() == 15
    assert run(window()) == []


def test_what_was_fetched_before_a_failure_is_committed(committed_db, archive):
    coin("a")
    coin("b")
    archive.troubles["B"] = RateLimited("archive", "slow down")

    with pytest.raises(RateLimited):
        run(window())

    connection.close()  # a process that ends takes what is not committed with it
    assert set(DailyBar.objects.values_list("asset__slug", flat=True)) == {"a"}


def test_no_transaction_waits_for_the_provider(committed_db, archive):
    coin("a")

    run(window())

    assert archive.asked_in_transaction == [False]


def test_covered_history_that_is_asked_for_again_is_corrected(archive):
    a = coin("a")
    store_daily_bars(a, START, [9.0, 1.0, 1.0, 1.0, 1.0], volume=[5.0] * 5, source="archive")

    assert run(window(again=True)) == [Backfilled(a, StoredBars(updated=1, unchanged=4))]


def test_provider_without_a_bar_in_the_window_stores_none(archive):
    a = coin("a")
    archive.first = END

    assert run(window()) == [Backfilled(a, StoredBars())]

    assert not DailyBar.objects.exists()


def test_simulated_market_is_continued_by_its_own_simulation():
    simulation.perform(simulation.Parameters(assets=3, days=5, seed=1), at=NOON - timedelta(days=3))
    parameters = Parameters(NOON.date() - timedelta(days=8), NOON.date(), 10)

    results = run(parameters)

    assert [result.stored for result in results] == [StoredBars(inserted=3, unchanged=5)] * 3
    assert set(DailyBar.objects.values_list("source__name", "source__is_simulated")) == {("simulated", True)}


def test_refused_points_are_kept_in_quarantine(archive, monkeypatch):
    a = coin("a")
    bad = Reject("A", "negative", "a point of the chart", "[1, -5]")
    good = archive.daily_history("A", START, END, NOON)[1]
    monkeypatch.setattr(archive, "daily_history", lambda *window: (None, replace(good, rejects=[bad])))

    assert run(window()) == [Backfilled(a, StoredBars(inserted=5))]

    record = QuarantinedRecord.objects.get()
    assert (record.provider, record.external_id, record.reason, record.raw) == ("archive", "A", "negative", "[1, -5]")


@pytest.mark.parametrize(
    ("prices", "refused"),
    [
        ({2: 1_000.0}, [2]),
        ({2: 0.001}, [2]),
        ({2: 99.0}, []),
        ({2: 1_000.0, 3: 1_000.0, 4: 1_000.0}, []),
        ({4: 1_000.0}, [4]),
        ({4: 400.0}, []),
        ({0: 1_000.0}, []),
    ],
)
def test_close_that_stands_alone_beyond_belief_is_held_back(archive, prices, refused):
    """A level that stays is believed; so is a first close, which nothing came before."""
    coin("bitcoin")
    archive.prices = prices

    run(window())

    days = [START + timedelta(days=index) for index in range(5)]
    assert list(DailyBar.objects.order_by("day").values_list("day", flat=True)) == [
        day for index, day in enumerate(days) if index not in refused
    ]
    assert list(QuarantinedRecord.objects.values_list("external_id", "reason")) == [
        (f"BITCOIN {days[index]}", "implausible_jump") for index in refused
    ]


def test_a_market_that_was_replaced_meanwhile_takes_none_of_it(archive, monkeypatch):
    asset = coin("bitcoin")
    monkeypatch.setattr(archive, "is_simulated", True)

    with pytest.raises(MarketIsOfAnotherKind):
        list(backfill.perform(window(), provider=archive, assets=[(asset, "BITCOIN")]))

    assert not DailyBar.objects.exists()
