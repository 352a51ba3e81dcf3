"""The market as readers find it: from this process's board where there is one, else from PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import connection

from markets.board import SHELF
from markets.errors import AmbiguousSymbol, UnknownAsset
from markets.queries import listing, rows
from markets.queries.listing import Listing, Page
from markets.queries.rows import Row
from markets.versions import WATCH

_MAX_CANDIDATES = 20


class Reader(Protocol):
    """What answers questions about the listed assets."""

    def page(self, listing: Listing, *, at: datetime) -> Page: ...

    def named(self, key: str) -> list[Row]: ...

    def categories(self) -> frozenset[str]: ...


class Database:
    """Reads every answer from PostgreSQL."""

    def page(self, listing_: Listing, *, at: datetime) -> Page:
        return listing.page(listing_, at=at)

    def named(self, key: str) -> list[Row]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {rows.COLUMNS} FROM {rows.joined()} WHERE a.is_active"  # noqa: S608  # literal columns
                " AND (a.slug = %s OR a.symbol = %s)"
                " ORDER BY coalesce(q.market_cap, 0) DESC, a.id",
                [key.lower(), key.upper()],
            )
            return [Row(*record) for record in cursor.fetchall()]

    def categories(self) -> frozenset[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT c.slug FROM markets_category c JOIN markets_asset_categories l ON l.category_id = c.id"
                " JOIN markets_asset a ON a.id = l.asset_id AND a.is_active"
            )
            return frozenset(slug for (slug,) in cursor.fetchall())


def version() -> int:
    """The data version that answers are made from."""
    return WATCH.current()


def reader(data_version: int) -> Reader:
    """Whoever answers for this data version: the board, or the database while the board is being loaded."""
    board = SHELF.board(data_version) if settings.MARKET_SNAPSHOT else None
    return Database() if board is None else board


@dataclass(frozen=True, slots=True)
class Match:
    """How a symbol or slug found its asset; `candidates` are all that it could mean, the largest market first."""

    row: Row
    by: str
    candidates: list[Row]

    @property
    def is_ambiguous(self) -> bool:
        return len(self.candidates) > 1

    def described(self) -> dict[str, object]:
        return {"by": self.by, "ambiguous": self.is_ambiguous, "candidates": _described(self.candidates)}


def match(key: str, source: Reader, *, strict: bool = False, by: str | None = None) -> Match:
    """The asset that a symbol or slug means: of several, the one with the largest market.

    Raises `UnknownAsset`, and `AmbiguousSymbol` when `strict`. `by` restricts to "slug" or "symbol".
    """
    found = source.named(key)
    if by == "slug":
        found = [row for row in found if row.slug == key.lower()]
    elif by == "symbol":
        found = [row for row in found if row.symbol == key.upper()]
    if not found:
        raise UnknownAsset(symbol=key[:100])
    if strict and len(found) > 1:
        raise AmbiguousSymbol(candidates=_described(found))
    first = found[0]
    return Match(first, by or ("symbol" if first.symbol == key.upper() else "slug"), found)


def _described(candidates: list[Row]) -> list[dict[str, object]]:
    return [
        {"slug": row.slug, "symbol": row.symbol, "name": row.name, "market_cap": row.market_cap}
        for row in candidates[:_MAX_CANDIDATES]
    ]
