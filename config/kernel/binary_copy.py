"""NumPy columns and PostgreSQL in binary: COPY, the fastest way of rows into it, arrays as parameters, results.

Wire format: PostgreSQL documentation, COPY, "Binary Format". A float64 NaN becomes NULL. Instants are int64
microseconds and days int32 days since 2000-01-01, PostgreSQL's own epoch; `POSTGRES_EPOCH_DAY` converts days since
1970.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray
from psycopg import Cursor
from psycopg.adapt import Buffer, Dumper
from psycopg.copy import QueuedLibpqWriter
from psycopg.pq import Format

POSTGRES_EPOCH_DAY = 10_957  # 2000-01-01 as days since 1970-01-01
POSTGRES_EPOCH_MICROSECONDS = POSTGRES_EPOCH_DAY * 86_400_000_000

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_CHUNK_BYTES = 250_000


class BinaryArray:
    """An int16, int32, int64 or float64 vector as a query parameter; the query casts it (`%s::float8[]`).

    NaN stays NaN: write `NULLIF(value, 'NaN')` where it means missing. Wire format: array_recv of PostgreSQL.
    """

    _ELEMENT_TYPES = {"i2": 21, "i4": 23, "i8": 20, "f8": 701}

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def encoded(self) -> bytes:
        element = self._values.dtype.newbyteorder(">")
        items = np.empty(len(self._values), dtype=[("length", ">i4"), ("value", element)])
        items["length"] = element.itemsize
        items["value"] = self._values
        dimensions, has_nulls, lower_bound = 1, 0, 1
        header = [dimensions, has_nulls, self._ELEMENT_TYPES[element.str[1:]], len(items), lower_bound]
        return np.array(header, dtype=">i4").tobytes() + items.tobytes()


class BinaryArrayDumper(Dumper):
    """How psycopg sends a `BinaryArray`; `config.kernel.postgresql` tells it."""

    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> Buffer | None:
        return obj.encoded()


@contextmanager
def binary_cursor() -> Iterator[Cursor[tuple[Any, ...]]]:
    """A cursor of Django's connection that receives values in binary and understands `BinaryArray`.

    Django's own cursors bind on the client, which psycopg only offers for text; in binary, bytea costs no hex decoding.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.format = Format.BINARY
        yield cursor


def copy_in(cursor: CursorWrapper, table: str, columns: Mapping[str, NDArray[Any]]) -> int:
    """Append rows to `table`; the arrays (int16, int32, int64, float64 or fixed bytes `V`) share one length.

    Table and column names come from code, never from users. Returns the number of rows.
    """
    with copying(cursor, table, columns):
        return len(next(iter(columns.values())))


@contextmanager
def copying(cursor: CursorWrapper, table: str, columns: Mapping[str, NDArray[Any]]) -> Iterator[None]:
    """`copy_in` around work that needs no database: the server takes the rows in meanwhile."""
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f'COPY "{table}" ({names}) FROM STDIN (FORMAT BINARY)'
    # A thread sends what is encoded already, so that the server need not wait for the rest.
    writer = QueuedLibpqWriter(cursor.cursor)
    with cursor.db.wrap_database_errors, cursor.copy(statement, writer=writer) as copy:
        copy.write(_HEADER)
        for chunk in _encode(list(columns.values())):
            copy.write(chunk)
        copy.write(_TRAILER)
        yield


def _encode(arrays: list[NDArray[Any]]) -> Iterator[Buffer]:
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    for index, array in enumerate(arrays):
        kind = array.dtype.str if array.dtype.kind == "V" else array.dtype.newbyteorder(">").str
        fields += [(f"length_{index}", ">i4"), (f"value_{index}", kind)]
    layout = np.dtype(fields)
    step = max(1, _CHUNK_BYTES // layout.itemsize)
    for start in range(0, len(arrays[0]), step):
        yield _encode_chunk(layout, [array[start : start + step] for array in arrays])


def _encode_chunk(layout: np.dtype[np.void], arrays: list[NDArray[Any]]) -> Buffer:
    rows = np.empty(len(arrays[0]), dtype=layout)
    rows["columns"] = len(arrays)
    missing: list[tuple[int, NDArray[np.bool_]]] = []
    for index, array in enumerate(arrays):
        rows[f"value_{index}"] = array
        rows[f"length_{index}"] = array.dtype.itemsize
        if array.dtype.kind == "f" and (nan := np.isnan(array)).any():
            rows[f"length_{index}"][nan] = -1
            missing.append((index, nan))
    octets = rows.view(np.uint8).reshape(len(rows), layout.itemsize)
    if not missing:
        return octets.reshape(-1).data
    # A NULL has a length of -1 and no value: its eight bytes are left out.
    kept = np.ones(octets.shape, dtype=bool)
    for index, nan in missing:
        offset = layout.fields[f"value_{index}"][1]  # type: ignore[index]  # a structured dtype has fields
        kept[nan, offset : offset + 8] = False
    return octets[kept].data
