"""Range partitions: the application asks, functions of the schema's owner create and drop.

The role that serves requests has no DDL. `CreatePartitionFunctions` installs two SECURITY DEFINER functions that only
touch partitions of tables of their own owner, with names made of the parent's name and digits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

from django.db import connection
from django.db.migrations.operations import RunSQL

_CREATE = """
CREATE FUNCTION partition_ensure(parent text, suffix text, lower_bound text, upper_bound text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    partition text := parent || '_' || suffix;
    key_column text;
BEGIN
    IF suffix !~ '^[0-9_]{4,10}$' THEN
        RAISE EXCEPTION 'not a partition suffix: %', suffix USING ERRCODE = '22023';
    END IF;
    SELECT a.attname INTO key_column
      FROM pg_partitioned_table p
      JOIN pg_class c ON c.oid = p.partrelid AND c.relname = parent AND c.relowner = current_user::regrole
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0];
    IF key_column IS NULL THEN
        RAISE EXCEPTION 'not a partitioned table of this schema: %', parent USING ERRCODE = '22023';
    END IF;
    IF to_regclass('public.' || quote_ident(partition)) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext(partition));
    -- Another session may have made it meanwhile; to_regclass would repeat what it remembers from above.
    IF EXISTS (SELECT FROM pg_class WHERE relname = partition AND relnamespace = 'public'::regnamespace) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', partition, parent);
    -- Rows that came before their partition wait in the default one.
    EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE %I >= %L AND %I < %L RETURNING *) '
                   'INSERT INTO public.%I SELECT * FROM moved',
                   parent || '_default', key_column, lower_bound, key_column, upper_bound, partition);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, partition, lower_bound, upper_bound);
    RETURN true;
END $$;

CREATE FUNCTION partition_drop(parent text, suffix text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    partition text := parent || '_' || suffix;
BEGIN
    IF suffix !~ '^[0-9_]{4,10}$' OR NOT EXISTS (
        SELECT FROM pg_inherits i
          JOIN pg_class child ON child.oid = i.inhrelid AND child.relname = partition
          JOIN pg_class top ON top.oid = i.inhparent AND top.relname = parent AND top.relowner = current_user::regrole
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE public.%I', partition);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION partition_ensure(text, text, text, text), partition_drop(text, text) FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN
        GRANT EXECUTE ON FUNCTION partition_ensure(text, text, text, text), partition_drop(text, text) TO app;
    END IF;
END $$;
"""
_DROP = "DROP FUNCTION partition_ensure(text, text, text, text); DROP FUNCTION partition_drop(text, text);"


class CreatePartitionFunctions(RunSQL):
    """Migration operation that installs `partition_ensure` and `partition_drop`."""

    def __init__(self) -> None:
        super().__init__(sql=_CREATE, reverse_sql=_DROP)

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (type(self).__qualname__, [], {})


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A partition's range, `lower` inclusive and `upper` exclusive, and the digits that name it."""

    suffix: str
    lower: str
    upper: str

    @classmethod
    def year(cls, year: int) -> Self:
        return cls(f"{year:04d}", f"{year:04d}-01-01", f"{year + 1:04d}-01-01")

    @classmethod
    def month(cls, day: date) -> Self:
        first = datetime(day.year, day.month, 1, tzinfo=UTC)
        following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
        return cls(f"{day.year:04d}_{day.month:02d}", first.isoformat(), following.isoformat())


def ensure(table: str, periods: Iterable[Period]) -> int:
    """Create the partitions of `table` that are missing; how many that were."""
    wanted = sorted(set(periods))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE partition_ensure(%s, p.suffix, p.low, p.high))"
            " FROM unnest(%s::text[], %s::text[], %s::text[]) AS p(suffix, low, high)",
            [table, [p.suffix for p in wanted], [p.lower for p in wanted], [p.upper for p in wanted]],
        )
        return int(cursor.fetchone()[0])


def suffixes(table: str) -> list[str]:
    """The suffixes of the partitions of `table`, oldest first, without the default one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substr(child.relname, length(top.relname) + 2) FROM pg_inherits i"
            " JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class top ON top.oid = i.inhparent"
            " WHERE top.oid = to_regclass(%s) AND child.relname <> top.relname || '_default' ORDER BY 1",
            [table],
        )
        return [suffix for (suffix,) in cursor.fetchall()]


def drop(table: str, suffix: str) -> bool:
    """Drop one partition with everything in it; False when there was none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT partition_drop(%s, %s)", [table, suffix])
        return bool(cursor.fetchone()[0])
