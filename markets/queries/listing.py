"""What a list of the market asks for, and the page that answers it; read from SQL.

`markets.board` answers the same questions from memory, with the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.kernel.binary_copy import binary_cursor
from markets.queries import rows
from markets.queries.rows import Row
from markets.risk_port import PORT


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
    "risk": Sort("r.score"),
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
    min_risk: float | None = None
    max_risk: float | None = None

    @property
    def has_words(self) -> bool:
        """Whether the assets themselves are filtered."""
        return bool(self.symbols or self.symbol_filter or self.search or self.category)

    @property
    def has_bounds(self) -> bool:
        """Whether their numbers are filtered."""
        bounds = (self.min_market_cap, self.max_market_cap, self.min_volume, self.max_volume)
        return any(bound is not None for bound in (*bounds, self.min_risk, self.max_risk))

    @property
    def is_about_risk(self) -> bool:
        """Whether the risk decides what is shown, or in which order."""
        return self.sort_by == "risk" or self.min_risk is not None or self.max_risk is not None


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page as JSON, how many match in all, and until when none of them turns stale."""

    count: int
    rows: Sequence[bytes]
    next: Position | None
    previous: Position | None
    fresh_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Tables:
    """What the matching assets are looked for in."""

    names: str
    id: str
    is_listed: str


_ASSETS = _Tables("markets_asset a LEFT JOIN markets_quote q ON q.asset_id = a.id", "a.id", "a.is_active")

# Numbers alone are found without the assets, half of the work; those not listed are few, and mostly there are none.
_UNLISTED = "SELECT u.id FROM markets_asset u WHERE NOT u.is_active"
_QUOTES = _Tables("markets_quote q", "q.asset_id", f"(NOT EXISTS ({_UNLISTED}) OR q.asset_id NOT IN ({_UNLISTED}))")


def page(listing: Listing, *, at: datetime) -> Page:
    """One page of the listed assets, straight from PostgreSQL."""
    sort = SORTS[listing.sort_by]
    tables = _tables(listing, sort)
    where, parameters = _conditions(listing, tables)
    backwards = listing.position is not None and listing.position.backwards
    seek, seek_parameters = _seek(listing, sort, tables)
    direction = "DESC" if listing.descending != backwards else "ASC"
    nulls = "FIRST" if backwards else "LAST"
    order = f"chosen.value {direction} NULLS {nulls}, chosen.id {'DESC' if backwards else 'ASC'}"
    with binary_cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {tables.names} WHERE {where}", parameters)  # noqa: S608  # literal conditions
        [(count,)] = cursor.fetchall()
        # First which rows, then what is in them: only a narrow row is carried through the sort.
        cursor.execute(
            f"SELECT {rows.PAGE_COLUMNS}, chosen.value FROM"  # noqa: S608  # literal conditions
            f" (SELECT {tables.id} AS id, {sort.column} AS value FROM {tables.names} WHERE {where} AND {seek}"
            f" ORDER BY {order.replace('chosen.', '')} LIMIT %s) chosen"
            f" JOIN {rows.joined('markets_asset a ON a.id = chosen.id')} ORDER BY {order}",
            [*parameters, *seek_parameters, listing.limit + 1],
        )
        found = cursor.fetchall()
    has_more = len(found) > listing.limit
    found = found[: listing.limit]
    if backwards:
        found.reverse()
    shown = [Row.of_page(*record[:-1]) for record in found]
    has_next, has_previous = (True, has_more) if backwards else (has_more, listing.position is not None)
    return Page(
        count=count,
        rows=[row.json(at) for row in shown],
        next=Position(found[-1][-1], shown[-1].id) if shown and has_next else None,
        previous=Position(found[0][-1], shown[0].id, backwards=True) if shown and has_previous else None,
        fresh_until=rows.first_turn(shown, at),
    )


def _tables(listing: Listing, sort: Sort) -> _Tables:
    if listing.is_about_risk:
        names = f"{_ASSETS.names} LEFT JOIN {PORT.relation} r ON r.asset_id = a.id"
        return _Tables(names, _ASSETS.id, _ASSETS.is_listed)
    # A bound excludes assets without a quote.
    return _QUOTES if listing.has_bounds and not (listing.has_words or sort.is_text) else _ASSETS


def _conditions(listing: Listing, tables: _Tables) -> tuple[str, list[Any]]:
    conditions = [tables.is_listed]
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
        ("r.score", ">=", listing.min_risk),
        ("r.score", "<=", listing.max_risk),
    ):
        if bound is not None:
            conditions.append(f"{column} {sign} %s")
            parameters.append(bound)
    return " AND ".join(conditions), parameters


def _seek(listing: Listing, sort: Sort, tables: _Tables) -> tuple[str, list[Any]]:
    """The condition that starts a page beyond its position."""
    position = listing.position
    if position is None:
        return "true", []
    beyond_id = "<" if position.backwards else ">"
    if position.value is None:
        if position.backwards:
            return f"({sort.column} IS NOT NULL OR {tables.id} < %s)", [position.asset_id]
        return f"({sort.column} IS NULL AND {tables.id} > %s)", [position.asset_id]
    beyond = "<" if listing.descending != position.backwards else ">"
    tie = f"{sort.column} {beyond} %s OR ({sort.column} = %s AND {tables.id} {beyond_id} %s)"
    parameters = [position.value, position.value, position.asset_id]
    return (f"({tie})" if position.backwards else f"({tie} OR {sort.column} IS NULL)"), parameters
