"""A year of daily bars per asset as packed vectors: the form that history and risk read."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from config.kernel.binary_copy import binary_cursor, copy_in
from markets.models.price_block import SLOTS

FIELDS = ("open", "high", "low", "close", "volume", "market_cap")
"""The columns of a bar."""

VECTORS = ("close", "volume", "market_cap")
"""The columns that a block keeps whole; of the others it keeps a digest."""

TABLE = "markets_priceblock"

_RANGE = slice(0, 3)
_KEPT = slice(3, 6)
_CLOSE = VECTORS.index("close")

_PACKED: Mapping[str, tuple[str, float]] = {**dict.fromkeys(VECTORS, ("<f8", np.nan)), "sources": ("<i2", 0)}
"""Of what can be read of blocks: how its values are packed, and what stands where there is no bar."""

_AT_ONCE = 512
"""Assets whose years come as one row each, of some five megabytes."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class BarTable:
    """Daily bars as columns, sorted by asset and day, each pair once.

    `day` counts days since 1970-01-01; `values` is float64 of shape (rows, 6) in the order of `FIELDS`, NaN = missing,
    the close never missing.
    """

    asset_id: IntArray
    day: IntArray
    values: FloatArray
    source_id: NDArray[np.int16]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: slice | NDArray[Any]) -> "BarTable":
        """The chosen rows, by slice, mask or indices."""
        return BarTable(
            self.asset_id[rows], self.day[rows], self.values[rows], self.source_id[rows], self.quality[rows]
        )

    def range_digests(self) -> NDArray[np.uint32]:
        """A digest of each bar's open, high and low: equal bits, equal digest."""
        bits = _with_one_nan(self.values[:, _RANGE]).view(np.uint64)
        # Multiplicative mixing with odd constants (the fractional part of the golden ratio; Knuth, TAOCP 6.4).
        mixed = bits[:, 0] * np.uint64(0x9E3779B97F4A7C15)
        for column in (1, 2):
            mixed = (mixed ^ (mixed >> np.uint64(29)) ^ bits[:, column]) * np.uint64(0xBF58476D1CE4E5B9)
        return (mixed >> np.uint64(32)).astype(np.uint32)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of several (asset, year) pairs: `vectors` has the shape (blocks, 3, 366), the others (blocks, 366)."""

    asset_id: IntArray
    year: NDArray[np.int16]
    vectors: FloatArray
    ranges: NDArray[np.uint32]
    sources: NDArray[np.int16]
    quality: NDArray[np.uint8]

    @classmethod
    def empty(cls, asset_id: IntArray, year: NDArray[np.int16]) -> "Blocks":
        """Blocks without a single bar."""
        size = len(asset_id)
        return cls(
            asset_id,
            year,
            np.full((size, len(VECTORS), SLOTS), np.nan),
            np.zeros((size, SLOTS), dtype=np.uint32),
            np.zeros((size, SLOTS), dtype=np.int16),
            np.zeros((size, SLOTS), dtype=np.uint8),
        )

    def take(self, chosen: NDArray[np.intp]) -> "Blocks":
        """The chosen blocks, by indices."""
        return Blocks(
            self.asset_id[chosen],
            self.year[chosen],
            self.vectors[chosen],
            self.ranges[chosen],
            self.sources[chosen],
            self.quality[chosen],
        )

    def has_bar(self, block: NDArray[np.intp], slot: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether each (block, slot) holds a bar."""
        found: NDArray[np.bool_] = np.isfinite(self.vectors[block, _CLOSE, slot])
        return found

    def differs(self, block: NDArray[np.intp], slot: NDArray[np.intp], bars: BarTable) -> NDArray[np.bool_]:
        """Whether each bar says anything else than its (block, slot) does."""
        kept, said = self.vectors[block, :, slot], bars.values[:, _KEPT]
        same: NDArray[np.bool_] = ((kept == said) | (np.isnan(kept) & np.isnan(said))).all(axis=1)
        same &= self.ranges[block, slot] == bars.range_digests()
        same &= (self.sources[block, slot] == bars.source_id) & (self.quality[block, slot] == bars.quality)
        return ~same

    def put(self, block: NDArray[np.intp], slot: NDArray[np.intp], bars: BarTable) -> None:
        """Write bars into their (block, slot)."""
        # By one flat index for all: twice as fast as by two.
        place = block * SLOTS + slot
        vectors, first = self.vectors.reshape(-1), block * ((len(VECTORS) - 1) * SLOTS) + place
        for index, column in enumerate(range(_KEPT.start, _KEPT.stop)):
            vectors[first + index * SLOTS] = _with_one_nan(bars.values[:, column])
        self.ranges.reshape(-1)[place] = bars.range_digests()
        self.sources.reshape(-1)[place] = bars.source_id
        self.quality.reshape(-1)[place] = bars.quality

    @property
    def row_count(self) -> NDArray[np.int16]:
        counts: NDArray[np.int16] = np.isfinite(self.vectors[:, _CLOSE]).sum(axis=1, dtype=np.int16)
        return counts

    @property
    def checksum(self) -> NDArray[np.int64]:
        return np.fromiter((zlib.crc32(block.data) for block in self.vectors), np.int64, count=len(self.vectors))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The blocks as columns of `TABLE`, vectors packed to bytes."""
        vectors = self.vectors.astype("<f8", copy=False)
        return {
            "asset_id": self.asset_id,
            "year": self.year,
            "row_count": self.row_count,
            "checksum": self.checksum,
            **{field: _as_bytes(vectors[:, index]) for index, field in enumerate(VECTORS)},
            "ranges": _as_bytes(self.ranges.astype("<u4", copy=False)),
            "sources": _as_bytes(self.sources.astype("<i2", copy=False)),
            "quality": _as_bytes(self.quality),
        }


def year_and_slot(day: IntArray) -> tuple[NDArray[np.int16], NDArray[np.intp]]:
    """The calendar year and the slot within its block of each day since 1970-01-01."""
    # Through a table of the days in question: calendar arithmetic on a million rows is what takes the time.
    first = int(day.min(initial=0))
    table = np.arange(first, int(day.max(initial=first)) + 1).astype("datetime64[D]")
    years = table.astype("datetime64[Y]")
    slots = (table - years.astype("datetime64[D]")).astype(np.intp)
    position = day - first
    return (years.astype(np.int64) + 1970).astype(np.int16)[position], slots[position]


def load(asset_id: IntArray, year: NDArray[np.int16]) -> tuple[Blocks, bool]:
    """The stored blocks of the given pairs, in their order, and whether any is stored at all.

    A pair without a block comes back empty.
    """
    blocks = Blocks.empty(asset_id, year)
    position = {pair: index for index, pair in enumerate(zip(asset_id.tolist(), year.tolist(), strict=True))}
    found = False
    with binary_cursor() as cursor:
        cursor.execute(
            f"SELECT b.asset_id, b.year, b.close, b.volume, b.market_cap, b.ranges, b.sources, b.quality FROM {TABLE} b"  # noqa: S608  # a literal name
            " JOIN unnest(%s::int4[], %s::int2[]) AS wanted(asset_id, year) USING (asset_id, year)",
            [asset_id.tolist(), year.tolist()],
        )
        for row in cursor:
            found = True
            index = position[row[0], row[1]]
            blocks.vectors[index] = np.frombuffer(b"".join(row[2:5]), "<f8").reshape(len(VECTORS), SLOTS)
            blocks.ranges[index] = np.frombuffer(row[5], "<u4")
            blocks.sources[index] = np.frombuffer(row[6], "<i2")
            blocks.quality[index] = np.frombuffer(row[7], np.uint8)
    return blocks, found


def save(cursor: CursorWrapper, blocks: Blocks) -> None:
    """Write the blocks in place of any that are stored for the same pairs."""
    cursor.execute(
        f"DELETE FROM {TABLE} b USING unnest(%s::int4[], %s::int2[]) AS old(asset_id, year)"  # noqa: S608  # a literal name
        " WHERE b.asset_id = old.asset_id AND b.year = old.year",
        [blocks.asset_id.tolist(), blocks.year.tolist()],
    )
    copy_in(cursor, TABLE, blocks.columns())


def read(names: Sequence[str], asset_ids: Sequence[int], *, start: date, end: date) -> dict[str, NDArray[Any]]:
    """Some of `VECTORS` and `sources`, by name: assets x days from `start` to `end`, exclusive.

    NaN where nothing is known, and 0 for the source of no bar. Each asset is asked for once. Raises `ValueError` for
    other names, and for bytes that are not a year of values.
    """
    if not set(names) <= set(_PACKED):
        raise ValueError(f"no such vector: {', '.join(names)}")
    kinds = {name: _PACKED[name] for name in names}
    shape = (len(asset_ids), (end - start).days)
    found = {name: np.full(shape, missing, dtype=kind) for name, (kind, missing) in kinds.items()}
    position = {asset_id: index for index, asset_id in enumerate(asset_ids)}
    sizes = [np.dtype(kind).itemsize * SLOTS for kind, _ in kinds.values()]
    # Of one group all aggregates take the blocks in the same order. A row a block would be four times as slow: the
    # driver wakes up for each.
    is_whole = " AND ".join(f"octet_length({name}) = %s" for name in kinds)
    packed = ", ".join(f"string_agg({name}, '')" for name in kinds)
    query = (
        f"SELECT year, array_agg(asset_id), bool_and({is_whole}), {packed} FROM {TABLE}"  # noqa: S608  # names of our own
        " WHERE asset_id = ANY(%s) AND year BETWEEN %s AND %s GROUP BY year"
    )
    with binary_cursor() as cursor:
        for begin in range(0, len(asset_ids), _AT_ONCE):
            cursor.execute(query, [*sizes, list(asset_ids[begin : begin + _AT_ONCE]), start.year, end.year])
            for year, ids, are_whole, *octets in cursor:
                if not are_whole:
                    raise ValueError("a vector is not as long as a year")
                rows = [position[asset_id] for asset_id in ids]
                slots, days = _shared(year, start, end)
                for (name, (kind, _)), of_year in zip(kinds.items(), octets, strict=True):
                    found[name][rows, days] = np.frombuffer(of_year, kind).reshape(-1, SLOTS)[:, slots]
    return found


def _shared(year: int, start: date, end: date) -> tuple[slice, slice]:
    """The slots of a year that are in a window, and their days there."""
    new_year = date(year, 1, 1)
    first, after = max(start, new_year), min(end, date(year + 1, 1, 1))
    return slice((first - new_year).days, (after - new_year).days), slice((first - start).days, (after - start).days)


def _with_one_nan(values: FloatArray) -> FloatArray:
    """Every NaN of the same bits: rows hold NULL for all of them, and make the same blocks."""
    return np.where(np.isnan(values), np.nan, values)


def _as_bytes(rows: NDArray[Any]) -> NDArray[np.void]:
    """Each row of a matrix as one item of fixed bytes."""
    flat = np.ascontiguousarray(rows)
    return flat.view(f"V{flat.shape[1] * flat.itemsize}").reshape(len(flat))
