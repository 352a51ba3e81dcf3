"""The board answers from memory what `markets.queries.listing` answers from SQL, byte for byte."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from markets.board import Board
from markets.freshness import BROAD_FRESH_FOR, TOP_FRESH_FOR
from markets.models import Asset, Quote
from markets.queries import listing
from markets.queries.listing import SORTS, Listing, Page
from tests.markets.factories import NOON, AssetFactory, CategoryFactory, QuoteFactory

SOON = NOON + timedelta(minutes=1)

# Few distinct values, so that ties and missing values meet.
_NUMBERS = st.none() | st.sampled_from([-5.0, 0.0, 1.0, 1.0, 2.5e-9, 1e12])
_CAPS = st.none() | st.sampled_from([0.5, 1.0, 1.0, 3e9, 1e12])
_NAMES = st.sampled_from(["Bitcoin", "bitcoin cash", "ÆTHER", "Straße", "zeta", "Zeta", "中本"])
_SYMBOLS = st.sampled_from(["BTC", "BCH", "$X", "Ж", "ZZ", "BTC"])

_QUOTES = st.fixed_dictionaries(
    {
        "price": st.none() | st.sampled_from([1e-12, 1.0, 2.0, 5e4]),
        "market_cap": _CAPS,
        "volume_24h": _CAPS,
        "change_1h": _NUMBERS,
        "change_24h": _NUMBERS,
        "change_7d": _NUMBERS,
        "rank": st.none() | st.integers(1, 60),
        "as_of": st.sampled_from([NOON, NOON - TOP_FRESH_FOR, NOON - BROAD_FRESH_FOR]),
    }
)
_COINS = st.lists(st.tuples(_NAMES, _SYMBOLS, st.none() | _QUOTES, st.booleans()), max_size=12)
_BOUNDS = st.none() | st.sampled_from([0.0, 1.0, 1e9, 1e12])


@st.composite
def _listings(draw: st.DrawFn) -> Listing:
    return Listing(
        limit=draw(st.integers(1, 5)),
        sort_by=draw(st.sampled_from(sorted(SORTS))),
        descending=draw(st.booleans()),
        symbols=draw(st.sampled_from([(), ("btc",), ("ZZ", "ж")])),
        symbol_filter=draw(st.sampled_from([None, "b", "$"])),
        search=draw(st.sampled_from([None, "BIT", "strasse", "中", "coin-1"])),
        category=draw(st.sampled_from([None, "layer-1"])),
        min_market_cap=draw(_BOUNDS),
        max_market_cap=draw(_BOUNDS),
        min_volume=draw(_BOUNDS),
        max_volume=draw(_BOUNDS),
    )


class BoardEqualsDatabase(TestCase):
    @given(coins=_COINS, wanted=_listings())
    def test_every_page_forwards_and_backwards(
        self, coins: list[tuple[str, str, dict[str, object] | None, bool]], wanted: Listing
    ) -> None:
        Asset.objects.all().delete()
        category = CategoryFactory.create()
        for name, symbol, quote, is_layer_1 in coins:
            asset = AssetFactory.create(name=name, symbol=symbol.upper())
            if is_layer_1:
                asset.categories.add(category)
            if quote is not None:
                QuoteFactory.create(asset=asset, **quote)
        board = Board.load(version=1)

        seen: list[bytes] = []
        place: Listing | None = wanted
        last: Page | None = None
        while place is not None:
            page = board.page(place, at=SOON)
            assert page == listing.page(place, at=SOON)
            seen += page.rows
            last = page
            place = None if page.next is None else _at(wanted, page)
        assert last is not None
        assert len(seen) == last.count == len(set(seen))

        backwards: list[bytes] = list(last.rows)
        page = last
        while page.previous is not None:
            place = Listing(**_fields(wanted) | {"position": page.previous})
            page = board.page(place, at=SOON)
            assert page == listing.page(place, at=SOON)
            backwards[:0] = page.rows
        assert backwards == seen


def _fields(wanted: Listing) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in Listing.__slots__}


def _at(wanted: Listing, page: Page) -> Listing:
    return Listing(**_fields(wanted) | {"position": page.next})


@pytest.mark.django_db
def test_inactive_assets_are_not_listed() -> None:
    QuoteFactory.create(asset__is_active=False)
    shown = QuoteFactory.create()

    board = Board.load(version=1)

    assert [row.id for row in board.rows] == [shown.asset_id]
    assert listing.page(Listing(limit=10), at=SOON).count == 1


@pytest.mark.django_db
def test_a_cursor_goes_on_behind_a_row_that_has_gone() -> None:
    quotes = [QuoteFactory.create(market_cap=cap) for cap in (40.0, 30.0, 20.0, 10.0)]
    first = Board.load(version=1).page(Listing(limit=2), at=SOON)
    Quote.objects.filter(pk=quotes[1].pk).update(market_cap=99.0)

    following = Board.load(version=2).page(Listing(limit=2, position=first.next), at=SOON)

    assert [b'"market_cap":20.0' in row or b'"market_cap":10.0' in row for row in following.rows] == [True, True]
