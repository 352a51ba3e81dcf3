"""Storing daily bars: rows for the record, blocks for the readers, in one transaction."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from config.kernel import partitions
from config.kernel.binary_copy import POSTGRES_EPOCH_DAY, copying
from markets import blocks
from markets.actions import market
from markets.blocks import BarTable

TABLE = "markets_dailybar"

Pairs = tuple[NDArray[np.int32], NDArray[np.int16]]
_GROUPS_AT_ONCE = 1_000  # about 20 MB of vectors
_LOCK = 0x6261_7273  # "bars"


@dataclass(frozen=True, slots=True)
class StoredBars:
    """What became of the bars of one call; the three add up to the rows that came."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "StoredBars") -> "StoredBars":
        return StoredBars(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )


@transaction.atomic
def store(
    bars: BarTable,
    *,
    at: datetime,
    replace_existing: bool = True,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> StoredBars:
    """Insert new bars, correct those that differ and skip the rest; a repeat changes nothing.

    The blocks say what is stored, so only new and changed rows touch the row table: new ones go straight through
    binary COPY. With `replace_existing=False` a bar that exists stays as it is. `on_progress` hears of rows done.
    """
    if not len(bars):
        return StoredBars()
    done = StoredBars()
    with connection.cursor() as cursor:
        lock(cursor)
        years, slots = blocks.year_and_slot(bars.day)
        partitions.ensure(TABLE, (partitions.Period.year(int(year)) for year in np.unique(years)))
        for rows, group, pairs in _chunks(bars, years):
            part = bars.take(rows)
            result = _merge(cursor, part, pairs, group, slots[rows], replace_existing=replace_existing)
            done += result
            on_progress(len(part))
        if done.inserted or done.updated:
            _widen_coverage(cursor, bars)
            market.touch(at=at)
    return done


def lock(cursor: CursorWrapper) -> None:
    """Wait to be the only writer of bars until the transaction ends: blocks are read, changed and written back."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _chunks(bars: BarTable, years: NDArray[np.int16]) -> Iterator[tuple[slice, NDArray[np.intp], Pairs]]:
    """Rows by whole (asset, year) groups: the rows, each row's group within the chunk, the groups' pairs."""
    starts = np.flatnonzero(np.diff(bars.asset_id, prepend=-1) | np.diff(years, prepend=-1))
    ends = np.append(starts[1:], len(bars))
    for first in range(0, len(starts), _GROUPS_AT_ONCE):
        last = min(first + _GROUPS_AT_ONCE, len(starts))
        sizes = ends[first:last] - starts[first:last]
        rows = slice(int(starts[first]), int(ends[last - 1]))
        group = np.repeat(np.arange(last - first), sizes)
        yield rows, group, (bars.asset_id[starts[first:last]], years[starts[first:last]])


def _merge(
    cursor: CursorWrapper,
    bars: BarTable,
    pairs: Pairs,
    group: NDArray[np.intp],
    slot: NDArray[np.intp],
    *,
    replace_existing: bool,
) -> StoredBars:
    stored, is_stored = blocks.load(*pairs)
    if is_stored:
        is_new = ~stored.has_bar(group, slot)
        is_changed = stored.differs(group, slot, bars) & ~is_new & replace_existing
    else:
        is_new, is_changed = np.ones(len(bars), dtype=bool), np.zeros(len(bars), dtype=bool)
    written = is_new | is_changed
    if is_changed.any():
        _delete(cursor, bars.take(is_changed))
    if written.all():
        with _appending(cursor, bars):
            stored.put(group, slot, bars)
        blocks.save(cursor, stored)
    elif written.any():
        some = bars.take(written)
        with _appending(cursor, some):
            stored.put(group[written], slot[written], some)
        blocks.save(cursor, stored.take(np.unique(group[written])))
    inserted, updated = int(is_new.sum()), int(is_changed.sum())
    return StoredBars(inserted, updated, len(bars) - inserted - updated)


def _appending(cursor: CursorWrapper, bars: BarTable) -> AbstractContextManager[None]:
    return copying(
        cursor,
        TABLE,
        {
            "asset_id": bars.asset_id,
            "day": bars.day - np.int32(POSTGRES_EPOCH_DAY),
            **{field: bars.values[:, index] for index, field in enumerate(blocks.FIELDS)},
            "source_id": bars.source_id,
            "quality": bars.quality.astype(np.int16),
        },
    )


def _delete(cursor: CursorWrapper, bars: BarTable) -> None:
    cursor.execute(
        f"DELETE FROM {TABLE} b USING unnest(%s::int4[], %s::int4[]) AS old(asset_id, day)"  # noqa: S608  # a literal name
        " WHERE b.asset_id = old.asset_id AND b.day = DATE '1970-01-01' + old.day",
        [bars.asset_id.tolist(), bars.day.tolist()],
    )


def _widen_coverage(cursor: CursorWrapper, bars: BarTable) -> None:
    starts = np.flatnonzero(np.diff(bars.asset_id, prepend=-1))
    ends = np.append(starts[1:], len(bars)) - 1
    cursor.execute(
        "UPDATE markets_asset a SET bars_from = LEAST(a.bars_from, DATE '1970-01-01' + new.first),"
        " bars_to = GREATEST(a.bars_to, DATE '1970-01-01' + new.last)"
        " FROM unnest(%s::int4[], %s::int4[], %s::int4[]) AS new(id, first, last) WHERE a.id = new.id",
        [bars.asset_id[starts].tolist(), bars.day[starts].tolist(), bars.day[ends].tolist()],
    )
