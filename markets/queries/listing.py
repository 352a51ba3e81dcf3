"""What a list of the market asks for, and the page that answers it; read from SQL.

`markets.board` answers the same questions from memory, with the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from markets.queries import rows
from markets.queries.rows import Row


@dataclass(frozen=True, slots=True)
class Sort:
    """A column to sort by; missing values come last in either direction."""

    column: str
    is_text: bool = False
    descending_by_default: bool = True


SORTS: Mapping[str, Sort] = {
    "market_cap": Sort("q.market_cap"),
    "volume": Sort("q.volume_24h"),
    "price": Sort("q.price"),
    "change_1h": Sort("q.change_1h"),
    "change_24h": Sort("q.change_24h"),
    "change_7d": Sort("q.change_7d"),
    "rank": Sort("q.rank", descending_by_default=False),
    "name": Sort('a.name_key COLLATE "C"', is_text=True, descending_by_default=False),
    "symbol": Sort('a.symbol COLLATE "C"', is_text=True, descending_by_default=False),
}

SortValue = float | str | None


@dataclass(frozen=True, slots=True)
class Position:
    """The sort value and the id of a row at the edge of a page; `backwards` asks for the page before it."""

    value: SortValue
    asset_id: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The filters, the order and the place of one page. Texts are compared without regard to case."""

    limit: int
    sort_by: str = "market_cap"
    descending: bool = True
    position: Position | None = None
    symbols: tuple[str, ...] = ()
    symbol_filter: str | None = None
    search: str | None = None
    category: str | None = None
    min_market_cap: float | None = None
    max_market_cap: float | None = None
    min_volume: float | None = None
    max_volume: float | None = None

    @property
    def is_filtered(self) -> bool:
        return bool(self.symbols or self.symbol_filter or self.search or self.category) or any(
            bound is not None for bound in (self.min_market_cap, self.max_market_cap, self.min_volume, self.max_volume)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page as JSON, how many match in all, and until when none of them turns stale."""

    count: int
    rows: Sequence[bytes]
    next: Position | None
    previous: Position | None
    fresh_until: datetime | None


def page(listing: Listing, *, at: datetime) -> Page:
    """One page of the listed assets, straight from PostgreSQL."""
    sort = SORTS[listing.sort_by]
    where, parameters = _conditions(listing)
    backwards = listing.position is not None and listing.position.backwards
    seek, seek_parameters = _seek(listing, sort)
    direction = "DESC" if listing.descending != backwards else "ASC"
    nulls = "FIRST" if backwards else "LAST"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {rows.FROM} WHERE {where}", parameters)  # literal conditions
        count = int(cursor.fetchone()[0])
        cursor.execute(
            f"SELECT {rows.COLUMNS}, {sort.column} {rows.FROM} WHERE {where} AND {seek}"  # literal conditions
            f" ORDER BY {sort.column} {direction} NULLS {nulls}, a.id {'DESC' if backwards else 'ASC'} LIMIT %s",
            [*parameters, *seek_parameters, listing.limit + 1],
        )
        found = cursor.fetchall()
    has_more = len(found) > listing.limit
    found = found[: listing.limit]
    if backwards:
        found.reverse()
    shown = [Row(*record[:-1]) for record in found]
    has_next, has_previous = (True, has_more) if backwards else (has_more, listing.position is not None)
    return Page(
        count=count,
        rows=[row.json(at) for row in shown],
        next=Position(found[-1][-1], shown[-1].id) if shown and has_next else None,
        previous=Position(found[0][-1], shown[0].id, backwards=True) if shown and has_previous else None,
        fresh_until=min((row.fresh_until for row in shown if row.fresh_until > at), default=None),
    )


def _conditions(listing: Listing) -> tuple[str, list[Any]]:
    conditions: list[str] = ["a.is_active"]
    parameters: list[Any] = []
    if listing.symbols:
        conditions.append("a.symbol = ANY(%s)")
        parameters.append([symbol.upper() for symbol in listing.symbols])
    if listing.symbol_filter:
        conditions.append("position(%s IN a.symbol) > 0")
        parameters.append(listing.symbol_filter.upper())
    if listing.search:
        conditions.append("position(%s IN a.search_key) > 0")
        parameters.append(listing.search.casefold())
    if listing.category:
        conditions.append(
            "EXISTS (SELECT FROM markets_asset_categories l JOIN markets_category c ON c.id = l.category_id"
            " WHERE l.asset_id = a.id AND c.slug = %s)"
        )
        parameters.append(listing.category)
    for column, sign, bound in (
        ("q.market_cap", ">=", listing.min_market_cap),
        ("q.market_cap", "<=", listing.max_market_cap),
        ("q.volume_24h", ">=", listing.min_volume),
        ("q.volume_24h", "<=", listing.max_volume),
    ):
        if bound is not None:
            conditions.append(f"{column} {sign} %s")
            parameters.append(bound)
    return " AND ".join(conditions), parameters


def _seek(listing: Listing, sort: Sort) -> tuple[str, list[Any]]:
    """The condition that starts a page beyond its position."""
    position = listing.position
    if position is None:
        return "true", []
    beyond_id = "<" if position.backwards else ">"
    if position.value is None:
        if position.backwards:
            return f"({sort.column} IS NOT NULL OR a.id < %s)", [position.asset_id]
        return f"({sort.column} IS NULL AND a.id > %s)", [position.asset_id]
    beyond = "<" if listing.descending != position.backwards else ">"
    tie = f"{sort.column} {beyond} %s OR ({sort.column} = %s AND a.id {beyond_id} %s)"
    parameters = [position.value, position.value, position.asset_id]
    return (f"({tie})" if position.backwards else f"({tie} OR {sort.column} IS NULL)"), parameters
