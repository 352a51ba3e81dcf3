"""Making the price blocks anew from the daily bars, which are the record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from config.kernel.binary_copy import binary_cursor
from markets import blocks
from markets.actions import bars, market
from markets.blocks import BarTable, Blocks

_COLUMNS = tuple(Blocks.empty(np.empty(0, np.int32), np.empty(0, np.int16)).columns())


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One asset's blocks: how many there are, and how many of them were wrong or missing or should not exist."""

    asset_id: int
    blocks: int
    wrong: int


def asset_ids() -> list[int]:
    """Every asset that has bars or blocks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT asset_id FROM markets_priceblock"
            " UNION SELECT id FROM markets_asset WHERE bars_to IS NOT NULL ORDER BY 1"
        )
        return [asset_id for (asset_id,) in cursor.fetchall()]


def perform(wanted: list[int], *, at: datetime, dry_run: bool = False) -> Iterator[Rebuilt]:
    """Compare each asset's blocks with its bars and write those that differ, an asset a transaction.

    With `dry_run` nothing is written.
    """
    for asset_id in wanted:
        yield _one(asset_id, at=at, dry_run=dry_run)


@transaction.atomic
def _one(asset_id: int, *, at: datetime, dry_run: bool) -> Rebuilt:
    with connection.cursor() as cursor:
        bars.lock(cursor)
        right = _blocks_of(_bars_of(asset_id))
        stored = _stored(asset_id)
        wrong = [index for index, row in enumerate(_rows(right)) if stored.pop(row[1], None) != row]
        extra = list(stored)
        if not dry_run and (wrong or extra):
            blocks.save(cursor, right.take(np.array(wrong, dtype=np.intp)))
            cursor.execute("DELETE FROM markets_priceblock WHERE asset_id = %s AND year = ANY(%s)", [asset_id, extra])
            market.touch(at=at)
    return Rebuilt(asset_id, len(right.year), len(wrong) + len(extra))


def _rows(right: Blocks) -> Iterator[tuple[Any, ...]]:
    """The rows of the table that these blocks make."""
    columns = [column.tolist() for column in right.columns().values()]
    return zip(*columns, strict=True)


def _stored(asset_id: int) -> dict[int, tuple[Any, ...]]:
    """The rows of the table, byte by byte, by year."""
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    with binary_cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {blocks.TABLE} WHERE asset_id = %s", [asset_id])  # noqa: S608  # literal names
        return {row[1]: row for row in cursor.fetchall()}


def _bars_of(asset_id: int) -> BarTable:
    with binary_cursor() as cursor:
        cursor.execute(
            "SELECT day - DATE '1970-01-01', open, high, low, close, volume, market_cap, source_id, quality"
            " FROM markets_dailybar WHERE asset_id = %s ORDER BY day",
            [asset_id],
        )
        rows = cursor.fetchall()
    return BarTable(
        asset_id=np.full(len(rows), asset_id, dtype=np.int32),
        day=np.array([row[0] for row in rows], dtype=np.int32),
        values=np.array([row[1:7] for row in rows], dtype=np.float64).reshape(len(rows), len(blocks.FIELDS)),
        source_id=np.array([row[7] for row in rows], dtype=np.int16),
        quality=np.array([row[8] for row in rows], dtype=np.uint8),
    )


def _blocks_of(table: BarTable) -> Blocks:
    year, slot = blocks.year_and_slot(table.day)
    years, block = np.unique(year, return_inverse=True)
    made = Blocks.empty(np.full(len(years), table.asset_id[0] if len(table) else 0, dtype=np.int32), years)
    made.put(block, slot, table)
    return made
