import struct
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from django.db import DataError, IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from config.kernel import binary_copy
from config.kernel.binary_copy import (
    POSTGRES_EPOCH_DAY,
    POSTGRES_EPOCH_MICROSECONDS,
    BinaryArray,
    binary_cursor,
    copy_in,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ODD_FLOATS = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, np.inf, -np.inf, np.nan]
PAYLOAD_NAN = struct.unpack("<d", b"\x01\x00\x00\x00\x00\x00\xff\xff")[0]


def stored(columns: Mapping[str, np.ndarray], types: str, *asked: str) -> list[tuple[Any, ...]]:
    """Copy the columns into a table of these types; the asked expressions, in the order of `id`."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE copied ({types})")
        try:
            assert copy_in(cursor, "copied", columns) == len(next(iter(columns.values())))
            cursor.execute(" ".join(["SELECT", ", ".join(asked), "FROM copied ORDER BY id"]))
            return list(cursor.fetchall())
        finally:
            cursor.execute("DROP TABLE copied")


def numbered(values: np.ndarray) -> dict[str, np.ndarray]:
    return {"id": np.arange(len(values), dtype=np.int32), "value": values}


def bits(value: float) -> bytes | None:
    return None if np.isnan(value) else struct.pack(">d", value)


@given(st.lists(st.floats(allow_subnormal=True) | st.sampled_from(ODD_FLOATS), max_size=30))
def test_floats_arrive_bit_for_bit_and_nan_arrives_as_null(values):
    rows = stored(numbered(np.array(values, dtype=np.float64)), "id int4, value float8", "float8send(value)")

    assert [row[0] if row[0] is None else bytes(row[0]) for row in rows] == [bits(value) for value in values]


def test_every_kind_of_nan_is_null():
    rows = stored(numbered(np.array([np.nan, -np.nan, PAYLOAD_NAN, 1.0])), "id int4, value float8", "value")

    assert rows == [(None,), (None,), (None,), (1.0,)]


def test_row_keeps_its_other_values_where_some_are_null():
    columns = {
        "id": np.arange(4, dtype=np.int32),
        "first": np.array([np.nan, 1.5, np.nan, 2.5]),
        "between": np.array([7, -7, 8, -8], dtype=np.int16),
        "last": np.array([np.nan, np.nan, 3.5, 4.5]),
    }

    rows = stored(columns, "id int4, first float8, between int2, last float8", "first", "between", "last")

    assert rows == [(None, 7, None), (1.5, -7, None), (None, 8, 3.5), (2.5, -8, 4.5)]


@pytest.mark.parametrize(("dtype", "kind"), [(np.int16, "int2"), (np.int32, "int4"), (np.int64, "int8")])
@given(data=st.data())
def test_integers_of_each_width_arrive(dtype, kind, data):
    bounds = np.iinfo(dtype)
    values = data.draw(arrays.arrays(dtype, st.integers(0, 20)))
    values = np.concatenate([values, np.array([bounds.min, -1, 0, bounds.max], dtype=dtype)])

    assert stored(numbered(values), f"id int4, value {kind}", "value") == [(value,) for value in values.tolist()]


@given(st.lists(st.binary(min_size=12, max_size=12), min_size=1, max_size=20))
def test_fixed_bytes_arrive_as_they_are(values):
    packed = np.frombuffer(b"".join(values), dtype="V12")

    rows = stored(numbered(packed), "id int4, value bytea", "value")

    assert [bytes(value) for (value,) in rows] == values


def test_days_and_instants_count_from_the_epoch_of_postgresql():
    columns = {
        "id": np.arange(2, dtype=np.int32),
        "day": np.array([0, 20_524], dtype=np.int32) - np.int32(POSTGRES_EPOCH_DAY),
        "at": np.array([0, 1_773_316_800_000_001], dtype=np.int64) - POSTGRES_EPOCH_MICROSECONDS,
    }

    assert stored(columns, "id int4, day date, at timestamptz", "day", "at") == [
        (date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)),
        (date(2026, 3, 12), datetime(2026, 3, 12, 12, 0, 0, 1, tzinfo=UTC)),
    ]


def test_columns_of_a_matrix_need_not_be_contiguous():
    matrix = np.array([[0.0, 1.0, 2.0], [3.0, np.nan, 5.0]])
    columns = {"id": np.arange(2, dtype=np.int32), "middle": matrix[:, 1], "last": matrix[:, 2]}

    rows = stored(columns, "id int4, middle float8, last float8", "middle", "last")

    assert rows == [(1.0, 2.0), (None, 5.0)]


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 25])
def test_rows_are_sent_in_chunks_without_loss(monkeypatch, rows):
    monkeypatch.setattr(binary_copy, "_CHUNK_BYTES", 10 * (2 + 4 + 4 + 4 + 8))  # ten rows of int4 and float8
    values = np.where(np.arange(rows) % 3 == 0, np.nan, np.arange(rows) / 7)

    found = stored(numbered(values), "id int4, value float8", "id", "value")

    assert found == [(row, None if row % 3 == 0 else row / 7) for row in range(rows)]


def test_columns_are_matched_by_name_and_others_keep_their_default():
    columns = {"value": np.array([1.5]), "id": np.array([1], dtype=np.int32)}

    assert stored(columns, "id int4, said int2 DEFAULT 9, value float8", "id", "said", "value") == [(1, 9, 1.5)]


def test_refused_row_takes_all_rows_of_its_copy_with_it():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (id int4, value float8 CHECK (value > 0))")
        with pytest.raises(IntegrityError, match="copied_value_check"), transaction.atomic():
            copy_in(cursor, "copied", numbered(np.array([1.0, 2.0, -3.0])))
        cursor.execute("SELECT count(*) FROM copied")

        assert cursor.fetchone() == (0,)


@given(st.lists(st.floats(allow_subnormal=True) | st.sampled_from(ODD_FLOATS), max_size=30))
def test_float_array_travels_bit_for_bit_and_nan_stays_nan(values):
    with binary_cursor() as cursor:
        cursor.execute(
            "SELECT float8send(value) FROM unnest(%s::float8[]) WITH ORDINALITY AS u(value, place) ORDER BY place",
            [BinaryArray(np.array(values, dtype=np.float64))],
        )
        found = [bytes(row[0]) for row in cursor.fetchall()]

    assert found == [struct.pack(">d", value) for value in values]


@pytest.mark.parametrize(("dtype", "kind"), [(np.int16, "int2"), (np.int32, "int4"), (np.int64, "int8")])
@pytest.mark.parametrize("size", [0, 1, 3])
def test_integer_array_of_each_width_travels(dtype, kind, size):
    bounds = np.iinfo(dtype)
    values = np.array([bounds.min, 0, bounds.max], dtype=dtype)[:size]

    with binary_cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [BinaryArray(values)])

        assert cursor.fetchone() == (values.tolist(),)


def test_binary_cursor_gives_bytes_and_floats_as_they_are():
    with binary_cursor() as cursor:
        cursor.execute("SELECT '\\x00ff'::bytea, '-0'::float8, 5e-324::float8, NULL::float8")
        (packed, zero, smallest, missing) = cursor.fetchone() or ()

    assert (bytes(packed), str(zero), smallest, missing) == (b"\x00\xff", "-0.0", 5e-324, None)


def test_binary_cursor_raises_the_errors_of_django():
    with pytest.raises(DataError, match="division by zero"), transaction.atomic(), binary_cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def test_binary_cursor_works_within_the_transaction_of_the_connection():
    with connection.cursor() as cursor, binary_cursor() as binary:
        cursor.execute("CREATE TEMPORARY TABLE seen (id int4)")
        cursor.execute("INSERT INTO seen VALUES (7)")

        assert binary.execute("SELECT id FROM seen").fetchall() == [(7,)]
