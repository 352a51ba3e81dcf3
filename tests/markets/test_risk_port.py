"""What the market shows of risk, whoever says it: the same bytes from the board and from PostgreSQL."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from config.kernel import clock
from markets import risk_port
from markets.board import Board
from markets.models import Asset
from markets.queries import listing
from markets.queries.listing import Listing
from markets.queries.market import Database
from markets.risk_port import COLUMNS, PORT
from tests.markets.factories import NOON, AssetFactory, QuoteFactory

pytestmark = pytest.mark.django_db

SOON = NOON + timedelta(minutes=1)
TOMORROW = datetime(2026, 3, 13, tzinfo=UTC)
LIST = "/api/v1/cryptocurrencies/"

Say = Callable[..., None]


@pytest.fixture
def say(db: None) -> Iterator[Say]:
    """Say a verdict on an asset: a table of a test's own behind the port."""
    before = PORT.relation
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE verdict ({columns}) ON COMMIT DROP")
    PORT.offer("verdict")

    def say(asset: Asset, score: float | None, *, status: str = "ok", fresh_until: datetime = TOMORROW) -> None:
        band = None if score is None else "high"
        values = [asset.pk, score, score, band, date(2026, 3, 11), status, fresh_until]
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO verdict VALUES (%s, %s, %s, %s, %s, %s, %s)", values)

    yield say
    PORT.offer(before)


@pytest.fixture
def three(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """BTC of 40 points, ETH of 70, a ghost without a score, and one that no run has seen."""
    monkeypatch.setattr(clock, "now", lambda: SOON)
    for symbol, score, status in (("BTC", 40.0, "ok"), ("ETH", 70.0, "ok"), ("GHO", None, "no_history")):
        asset = AssetFactory.create(symbol=symbol, slug=symbol.lower())
        QuoteFactory.create(asset=asset, market_cap=1.0)
        say(asset, score, status=status)
    AssetFactory.create(symbol="NEW", slug="new")


def both(wanted: Listing, at: datetime = SOON) -> list[dict[str, Any]]:
    """The rows of a page, which the board and PostgreSQL give alike."""
    page = listing.page(wanted, at=at)
    assert Board.load(version=1).page(wanted, at=at) == page
    return [json.loads(row) for row in page.rows]


def test_a_row_carries_the_verdict(three: None) -> None:
    assert both(Listing(limit=1))[0]["risk"] == {
        "score": 40.0,
        "percentile": 40.0,
        "band": "high",
        "as_of": "2026-03-11",
        "status": "ok",
        "stale": False,
    }


def test_without_a_score_the_status_says_why(three: None) -> None:
    verdicts = {row["symbol"]: row["risk"] for row in both(Listing(limit=9))}

    assert (verdicts["GHO"]["score"], verdicts["GHO"]["status"]) == (None, "no_history")
    assert (verdicts["NEW"]["score"], verdicts["NEW"]["status"], verdicts["NEW"]["stale"]) == (None, "not_scored", True)


def test_where_nobody_offers_verdicts_nothing_is_scored(three: None) -> None:
    PORT.close()

    assert {row["risk"]["status"] for row in both(Listing(limit=9))} == {"not_scored"}


def test_nothing_has_the_columns_that_are_promised() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {risk_port._NOTHING} nothing")  # noqa: S608  # literal columns
        assert [column.name for column in cursor.description] == list(COLUMNS)


@pytest.mark.parametrize(
    ("wanted", "symbols"),
    [
        (Listing(limit=9, sort_by="risk"), ["ETH", "BTC", "GHO", "NEW"]),
        (Listing(limit=9, sort_by="risk", descending=False), ["BTC", "ETH", "GHO", "NEW"]),
        (Listing(limit=9, min_risk=40.0), ["BTC", "ETH"]),
        (Listing(limit=9, max_risk=69.9), ["BTC"]),
        (Listing(limit=9, min_risk=0.0, search="ETH"), ["ETH"]),
        (Listing(limit=9, sort_by="risk", min_market_cap=0.5, max_risk=100.0), ["ETH", "BTC"]),
        (Listing(limit=9, sort_by="name", min_risk=50.0), ["ETH"]),
    ],
)
def test_sorting_and_filtering(three: None, wanted: Listing, symbols: list[str]) -> None:
    assert [row["symbol"] for row in both(wanted)] == symbols


def test_pages_by_risk_lead_through_every_row(three: None) -> None:
    seen: list[str] = []
    place: Listing | None = Listing(limit=1, sort_by="risk")
    while place is not None:
        seen += [row["symbol"] for row in both(place)]
        following = listing.page(place, at=SOON).next
        place = None if following is None else Listing(limit=1, sort_by="risk", position=following)

    assert seen == ["ETH", "BTC", "GHO", "NEW"]


def test_a_verdict_turns_stale_by_itself(three: None) -> None:
    assert listing.page(Listing(limit=9), at=NOON + timedelta(hours=3)).fresh_until == TOMORROW
    assert [row["risk"]["stale"] for row in both(Listing(limit=2), at=TOMORROW)] == [True, True]


def test_the_detail_carries_it_too(three: None) -> None:
    [board_row], [row] = Board.load(version=1).named("eth"), Database().named("eth")

    assert board_row.detail(SOON) == row.detail(SOON)
    assert row.detail(SOON)["risk"]["score"] == 70.0


@pytest.mark.parametrize(
    ("url", "symbols"),
    [
        (f"{LIST}top/risk?limit=2", ["ETH", "BTC"]),
        (f"{LIST}?sort_by=risk&order=asc&limit=2", ["BTC", "ETH"]),
        (f"{LIST}?ordering=-risk&limit=1", ["ETH"]),
        (f"{LIST}?min_risk=50", ["ETH"]),
        (f"{LIST}?max_risk=50", ["BTC"]),
    ],
)
def test_the_api_ranks_and_filters(client: Client, three: None, url: str, symbols: list[str]) -> None:
    assert [row["symbol"] for row in client.get(url).json()["results"]] == symbols


@pytest.mark.parametrize("query", ["min_risk=60&max_risk=50", "min_risk=101", "max_risk=-1"])
def test_bounds_that_make_no_sense_are_refused(client: Client, query: str) -> None:
    assert client.get(f"{LIST}?{query}").status_code == 400
