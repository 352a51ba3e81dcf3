"""Partitions come and go through functions of the owner, and through nothing else."""

from calendar import monthrange
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.migrations.state import ProjectState
from django.db.utils import DataError
from hypothesis import given
from hypothesis import strategies as st

from config.kernel import partitions
from config.kernel.partitions import CreatePartitionFunctions, Period
from config.kernel.privileges import OWNER
from tests.support.default_connection import default_connection

BARS, SNAPSHOTS = "markets_dailybar", "markets_snapshot"

with_database = pytest.mark.django_db


def insert_bar(day: date, close: float = 1.0) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO markets_dailybar (asset_id, day, close, source_id) VALUES (1, %s, %s, 1)", [day, close]
        )


def bars() -> list[tuple[str, date]]:
    """Each bar's table and day."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, day FROM markets_dailybar ORDER BY day")
        return list(cursor.fetchall())


def tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')")
        return {name for (name,) in cursor.fetchall()}


@given(st.dates(min_value=date(1000, 1, 1), max_value=date(9998, 12, 31)))
def test_period_of_a_month_begins_with_its_first_day_and_ends_with_the_next_month(day):
    period = Period.month(day)

    lower, upper = datetime.fromisoformat(period.lower), datetime.fromisoformat(period.upper)
    assert lower == datetime(day.year, day.month, 1, tzinfo=UTC)
    assert upper - lower == timedelta(days=monthrange(day.year, day.month)[1])
    assert period.suffix == f"{day:%Y_%m}".zfill(7)


def test_period_of_a_year_begins_and_ends_on_new_years_day():
    assert Period.year(2024) == Period("2024", "2024-01-01", "2025-01-01")


@with_database
def test_missing_partitions_are_created_and_counted_once():
    years = [Period.year(year) for year in (2021, 2019, 2021)]

    assert [partitions.ensure(BARS, years), partitions.ensure(BARS, years)] == [2, 0]
    assert partitions.suffixes(BARS) == ["2019", "2021"]


@with_database
def test_rows_go_to_the_partition_of_their_day_from_its_first_to_its_last():
    partitions.ensure(BARS, [Period.year(2020)])
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2020, 12, 31), date(2021, 1, 1)]
    for day in days:
        insert_bar(day)

    assert [table.removeprefix(BARS) for table, _ in bars()] == ["_default", "_2020", "_2020", "_default"]


@with_database
def test_rows_that_came_before_their_partition_move_into_it():
    for day in (date(2019, 12, 31), date(2020, 2, 29), date(2020, 12, 31), date(2021, 1, 1)):
        insert_bar(day)

    partitions.ensure(BARS, [Period.year(2020)])

    assert bars() == [
        (f"{BARS}_default", date(2019, 12, 31)),
        (f"{BARS}_2020", date(2020, 2, 29)),
        (f"{BARS}_2020", date(2020, 12, 31)),
        (f"{BARS}_default", date(2021, 1, 1)),
    ]


@with_database
@pytest.mark.parametrize(
    ("day", "close", "constraint"), [(date(2020, 1, 1), 1.0, "2020_pkey"), (date(2020, 1, 2), 0.0, "close_check")]
)
def test_partition_keeps_the_constraints_and_the_key_of_its_table(day, close, constraint):
    partitions.ensure(BARS, [Period.year(2020)])
    insert_bar(date(2020, 1, 1))

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        insert_bar(day, close)

    assert bars() == [(f"{BARS}_2020", date(2020, 1, 1))]


@with_database
def test_dropped_partition_is_gone_with_its_rows_and_no_others():
    partitions.ensure(BARS, [Period.year(2019), Period.year(2020)])
    for day in (date(2019, 6, 1), date(2020, 6, 1), date(2021, 6, 1)):
        insert_bar(day)

    assert [partitions.drop(BARS, "2019"), partitions.drop(BARS, "2019")] == [True, False]

    assert partitions.suffixes(BARS) == ["2020"]
    assert [day for _, day in bars()] == [date(2020, 6, 1), date(2021, 6, 1)]


@with_database
def test_table_without_partitions_has_no_suffixes_and_neither_has_one_that_does_not_exist():
    assert [partitions.suffixes(name) for name in (BARS, "accounts_user", "nowhere")] == [[], [], []]


@with_database
@pytest.mark.parametrize(
    "suffix",
    ["", "20", "20201234567", "default", "2020-01", "2020\n", "2020; --", '2020" CASCADE; --', "\u0662" * 4],
)
def test_suffix_that_is_not_made_of_digits_is_refused_and_nothing_made_or_dropped(suffix):
    before = tables()

    with pytest.raises(DataError, match="not a partition suffix"), transaction.atomic():
        partitions.ensure(BARS, [Period(suffix, "2020-01-01", "2021-01-01")])

    assert not partitions.drop(BARS, suffix)
    assert tables() == before


@with_database
@pytest.mark.parametrize("table", ["accounts_user", "nowhere", "pg_class", "markets_dailybar_default", "x'; --"])
def test_table_that_is_not_partitioned_is_refused(table):
    before = tables()

    with pytest.raises(DataError, match="not a partitioned table"), transaction.atomic():
        partitions.ensure(table, [Period.year(2020)])

    assert not partitions.drop(table, "2020")
    assert tables() == before


@with_database
def test_bounds_are_values_and_never_statements():
    before = tables()

    with pytest.raises(DataError, match="invalid input syntax"), transaction.atomic():
        partitions.ensure(BARS, [Period("2020", "2020-01-01", "2021-01-01'); DROP TABLE accounts_user; --")])

    assert tables() == before


@pytest.mark.integration
def test_partitions_of_another_owner_are_left_alone(committed_db, superuser_connection):
    superuser_connection.execute("CREATE TABLE foreign_bars (day date) PARTITION BY RANGE (day)")
    superuser_connection.execute(
        "CREATE TABLE foreign_bars_2020 PARTITION OF foreign_bars FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
    )

    with pytest.raises(DataError, match="not a partitioned table"):
        partitions.ensure("foreign_bars", [Period.year(2021)])

    assert not partitions.drop("foreign_bars", "2020")
    assert partitions.suffixes("foreign_bars") == ["2020"]


@with_database
@pytest.mark.parametrize(
    "statement",
    [
        f"CREATE TABLE {BARS}_2020 PARTITION OF {BARS} FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        f"DROP TABLE {BARS}_2019",
        f"ALTER TABLE {BARS} DETACH PARTITION {BARS}_2019",
        f"TRUNCATE {BARS}_2019",
        "DROP FUNCTION partition_drop(text, text)",
        "ALTER FUNCTION partition_drop(text, text) SECURITY INVOKER",
    ],
)
def test_role_that_serves_has_no_other_way(statement):
    partitions.ensure(BARS, [Period.year(2019)])

    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert partitions.suffixes(BARS) == ["2019"]


@pytest.mark.integration
def test_nobody_but_the_two_roles_may_call_the_functions(committed_db, superuser_connection):
    granted = superuser_connection.execute(
        "SELECT DISTINCT coalesce(r.rolname, 'PUBLIC') FROM pg_proc p CROSS JOIN aclexplode(p.proacl) a"
        " LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE p.proname LIKE 'partition%' ORDER BY 1"
    ).fetchall()

    assert granted == [("app",), ("owner",)]


@pytest.mark.integration
def test_of_processes_that_want_a_partition_at_once_one_makes_it(committed_db):
    barrier = Barrier(4)

    def ensure(_: int) -> int:
        try:
            barrier.wait(timeout=30)
            return partitions.ensure(SNAPSHOTS, [Period.month(date(2026, month, 1)) for month in range(1, 7)])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as processes:
        created = list(processes.map(ensure, range(4)))

    assert sum(created) == 6
    assert partitions.suffixes(SNAPSHOTS) == [f"2026_0{month}" for month in range(1, 7)]


@pytest.mark.integration
def test_functions_come_with_the_migration_and_go_with_its_reversal(cluster, committed_db):
    def functions() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'partition%' ORDER BY 1")
            return [name for (name,) in cursor.fetchall()]

    with default_connection(cluster.login(committed_db.database, OWNER)):
        operation, state = CreatePartitionFunctions(), ProjectState()
        with connection.schema_editor() as editor:
            operation.database_backwards("markets", editor, state, state)
        without = functions()
        with connection.schema_editor() as editor:
            operation.database_forwards("markets", editor, state, state)

    assert (without, functions()) == ([], ["partition_drop", "partition_ensure"])
    assert partitions.ensure(BARS, [Period.year(2020)]) == 1
    assert operation.deconstruct() == ("CreatePartitionFunctions", [], {})
