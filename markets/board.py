"""The quotes of the whole market in this process's memory, renewed when the data version moves.

Lists, details and rankings are answered from here; `markets.queries.listing` gives the same answers from PostgreSQL.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from markets.queries import rows
from markets.queries.listing import SORTS, Listing, Page, Position, SortValue
from markets.queries.rows import Row

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

_COLUMNS: dict[str, Callable[[Row], Any]] = {
    "market_cap": lambda row: row.market_cap,
    "volume": lambda row: row.volume_24h,
    "price": lambda row: row.price,
    "change_1h": lambda row: row.change_1h,
    "change_24h": lambda row: row.change_24h,
    "change_7d": lambda row: row.change_7d,
    "rank": lambda row: row.rank,
    "risk": lambda row: row.risk_score,
    "name": lambda row: row.name_key,
    "symbol": lambda row: row.symbol,
}


@dataclass(frozen=True, slots=True)
class _Order:
    """Row indices in one order, missing values last, and what finding a place in it needs."""

    indices: Indices
    keys: list[Any]
    """The sort values of the rows that have one, ascending (numbers negated when the order descends)."""
    ids: NDArray[np.int64]
    """The asset ids in this order."""


class Board:
    """One version of the market; immutable but for what it computes on first use."""

    def __init__(self, version: int, listed: list[Row]) -> None:
        self.version = version
        self.rows = listed
        self._orders: dict[tuple[str, bool], _Order] = {}

    @classmethod
    def load(cls, version: int) -> "Board":
        """Read every listed asset; about 0.3 s for 18,000."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {rows.COLUMNS} FROM {rows.joined()} WHERE a.is_active ORDER BY a.id")  # noqa: S608  # literal columns
            return cls(version, [Row(*record) for record in cursor.fetchall()])

    def page(self, listing: Listing, *, at: datetime) -> Page:
        """One page of the market, exactly as `markets.queries.listing.page` would give it."""
        order = self._order(listing.sort_by, listing.descending)
        places = np.flatnonzero(self._mask(listing)[order.indices]) if listing.has_words or listing.has_bounds else None
        count = len(order.indices) if places is None else len(places)
        start = self._start(listing, order, places)
        stop = min(start + listing.limit, count)
        if listing.position is not None and listing.position.backwards:
            start, stop = max(0, start - listing.limit), start
        chosen = order.indices[start:stop] if places is None else order.indices[places[start:stop]]
        shown = [self.rows[index] for index in chosen.tolist()]
        value = _COLUMNS[listing.sort_by]
        return Page(
            count=count,
            rows=[row.json(at) for row in shown],
            next=Position(value(shown[-1]), shown[-1].id) if shown and stop < count else None,
            previous=Position(value(shown[0]), shown[0].id, backwards=True) if shown and start > 0 else None,
            fresh_until=rows.first_turn(shown, at),
        )

    def named(self, key: str) -> list[Row]:
        """The assets whose slug or symbol is `key`, the largest market first."""
        found = {row.id: row for row in self._by_symbol.get(key.upper(), ())}
        if (by_slug := self._by_slug.get(key.lower())) is not None:
            found[by_slug.id] = by_slug
        return sorted(found.values(), key=lambda row: (-(row.market_cap or 0.0), row.id))

    def categories(self) -> frozenset[str]:
        """Every category that a listed asset belongs to."""
        return self._categories

    @cached_property
    def _categories(self) -> frozenset[str]:
        return frozenset(category for row in self.rows for category in row.categories)

    @cached_property
    def _by_slug(self) -> dict[str, Row]:
        return {row.slug: row for row in self.rows}

    @cached_property
    def _by_symbol(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.symbol, []).append(row)
        return found

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        return np.fromiter((row.id for row in self.rows), np.int64, count=len(self.rows))

    @cached_property
    def _symbols(self) -> list[str]:
        return [row.symbol for row in self.rows]

    @cached_property
    def _search_keys(self) -> list[str]:
        return [row.search_key for row in self.rows]

    @cached_property
    def _market_cap(self) -> NDArray[np.float64]:
        return np.array([row.market_cap for row in self.rows], dtype=np.float64)

    @cached_property
    def _volume(self) -> NDArray[np.float64]:
        return np.array([row.volume_24h for row in self.rows], dtype=np.float64)

    @cached_property
    def _risk(self) -> NDArray[np.float64]:
        return np.array([row.risk_score for row in self.rows], dtype=np.float64)

    def _mask(self, listing: Listing) -> Mask:
        mask = np.ones(len(self.rows), dtype=bool)
        # A comparison with NaN is false: what is missing is within no bounds.
        for values, lower, upper in (
            (self._market_cap, listing.min_market_cap, listing.max_market_cap),
            (self._volume, listing.min_volume, listing.max_volume),
            (self._risk, listing.min_risk, listing.max_risk),
        ):
            if lower is not None:
                mask &= values >= lower
            if upper is not None:
                mask &= values <= upper
        if listing.symbols:
            wanted = {symbol.upper() for symbol in listing.symbols}
            mask &= np.array([symbol in wanted for symbol in self._symbols], dtype=bool)
        if listing.symbol_filter:
            part = listing.symbol_filter.upper()
            mask &= np.array([part in symbol for symbol in self._symbols], dtype=bool)
        if listing.search:
            part = listing.search.casefold()
            mask &= np.array([part in key for key in self._search_keys], dtype=bool)
        if listing.category:
            mask &= np.array([listing.category in row.categories for row in self.rows], dtype=bool)
        return mask

    def _order(self, sort_by: str, descending: bool) -> _Order:
        order = self._orders.get((sort_by, descending))
        if order is None:
            order = self._orders[sort_by, descending] = self._sort(sort_by, descending)
        return order

    def _sort(self, sort_by: str, descending: bool) -> _Order:
        values = [_COLUMNS[sort_by](row) for row in self.rows]
        if SORTS[sort_by].is_text:
            # Rows come by id and the sort is stable in both directions, so ties stay in order of id.
            indices = np.array(sorted(range(len(values)), key=values.__getitem__, reverse=descending), dtype=np.intp)
            keys = [values[index] for index in indices]
        else:
            numbers = np.array(values, dtype=np.float64)
            ascending = -numbers if descending else numbers
            indices = np.argsort(ascending, kind="stable")  # NaN, the missing value, sorts last
            keys = ascending[indices][: len(numbers) - int(np.isnan(numbers).sum())].tolist()
        return _Order(indices, keys, self._ids[indices])

    def _start(self, listing: Listing, order: _Order, places: Indices | None) -> int:
        """Where the page begins among the matching rows (for a backward one: where it ends)."""
        if listing.position is None:
            return 0
        place = _place(listing.position, order, descending=listing.descending, is_text=SORTS[listing.sort_by].is_text)
        return place if places is None else int(np.searchsorted(places, place))


def _place(position: Position, order: _Order, *, descending: bool, is_text: bool) -> int:
    """The index in the order of the first row beyond the position; backwards, of the first at or beyond it."""
    value: SortValue = position.value
    if value is None:
        low, high = len(order.keys), len(order.ids)
    elif is_text:
        if descending:
            # Keys descend: look among their mirror images.
            size = len(order.keys)
            mirrored = order.keys[::-1]
            low, high = size - bisect_right(mirrored, value), size - bisect_left(mirrored, value)
        else:
            low, high = bisect_left(order.keys, value), bisect_right(order.keys, value)
    else:
        key = -float(value) if descending else float(value)
        low, high = bisect_left(order.keys, key), bisect_right(order.keys, key)
    side: Literal["left", "right"] = "left" if position.backwards else "right"
    return low + int(np.searchsorted(order.ids[low:high], position.asset_id, side=side))


class Shelf:
    """The board of this process: always one to read from once the first was loaded."""

    def __init__(self) -> None:
        self._board: Board | None = None
        self._loading = threading.Lock()

    def board(self, version: int) -> Board | None:
        """The board of `version`; None while another thread is loading it, so that nobody waits."""
        board = self._board
        if board is not None and board.version == version:
            return board
        if not self._loading.acquire(blocking=False):
            return None
        try:
            self._board = Board.load(version)
            return self._board
        finally:
            self._loading.release()

    def clear(self) -> None:
        self._board = None


SHELF = Shelf()
