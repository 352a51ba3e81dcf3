"""Daily bars by raw binary COPY: the floor under every way of storing them, with nothing checked and no block made."""

from collections.abc import Callable, Iterator

import numpy as np

from config.bench.database import Database
from config.kernel.binary_copy import POSTGRES_EPOCH_DAY
from markets.actions.bars import TABLE
from markets.blocks import FIELDS, BarTable

_CHUNK_BYTES = 4_000_000
_COLUMNS = ("asset_id", "day", *FIELDS, "source_id", "quality")
_TYPES = (">i4", ">i4", *[">f8"] * len(FIELDS), ">i2", ">i2")
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"


def copy_of(table: BarTable, database: Database) -> Callable[[int], float]:
    """A function that copies all rows of `table` in one transaction; their bytes are made here, before any clock."""
    chunks = list(_in_chunks(_octets(table)))
    connection = database.connect()
    statement = f"COPY {TABLE} ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"  # literal names

    def copy(attempt: int) -> float:
        with connection.cursor() as cursor, cursor.copy(statement) as target:
            for chunk in chunks:
                target.write(chunk)
        return len(table)

    return copy


def _octets(table: BarTable) -> Iterator[bytes]:
    yield _SIGNATURE
    starts = np.flatnonzero(np.diff(table.asset_id, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(table)], strict=True):
        yield _octets_of_asset(table.take(slice(int(start), int(end))))
    yield _END


def _octets_of_asset(rows: BarTable) -> bytes:
    """The rows of one asset, whose columns are present or missing as a whole."""
    values = [rows.asset_id, rows.day - POSTGRES_EPOCH_DAY, *rows.values.T, rows.source_id, rows.quality]
    fields, present = [("columns", ">i2")], []
    for name, kind, column in zip(_COLUMNS, _TYPES, values, strict=True):
        fields.append((f"{name}_length", ">i4"))
        if not np.isnan(column).any():
            fields.append((name, kind))
            present.append((name, column))
    out = np.empty(len(rows), dtype=np.dtype(fields))
    out["columns"] = len(_COLUMNS)
    for name in _COLUMNS:
        out[f"{name}_length"] = -1
    for name, column in present:
        out[name] = column
        out[f"{name}_length"] = out.dtype[name].itemsize
    return out.tobytes()


def _in_chunks(parts: Iterator[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for part in parts:
        waiting += part
        if len(waiting) >= _CHUNK_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
