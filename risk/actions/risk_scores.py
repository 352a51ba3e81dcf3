"""Scores into their append-only table."""

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import orjson
from django.db import connection, models
from psycopg.types.json import Jsonb

from risk.models import RiskScore

_TYPES = {
    models.FloatField: "float8",
    models.DateField: "date",
    models.DateTimeField: "timestamptz",
    models.JSONField: "jsonb",
    models.BooleanField: "bool",
    models.PositiveIntegerField: "int4",
    models.TextField: "text",
    models.CharField: "varchar",
}


def _type(field: Any) -> str:
    if isinstance(field, models.ForeignKey):
        return str(field.db_type(connection))
    return _TYPES[type(field)]


def store(rows: Iterable[RiskScore]) -> dict[str, int]:
    """Append the rows by binary COPY as they come, in the caller's transaction; how many of each status."""
    counts: Counter[str] = Counter()
    fields = [field for field in RiskScore._meta.concrete_fields if not field.primary_key]
    values_of = attrgetter(*(field.attname for field in fields))
    names = ", ".join(f'"{field.column}"' for field in fields)
    is_json = [isinstance(field, models.JSONField) for field in fields]
    statement = f'COPY "{RiskScore._meta.db_table}" ({names}) FROM STDIN (FORMAT BINARY)'
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types([_type(field) for field in fields])
        for row in rows:
            counts[str(row.status)] += 1
            copy.write_row(
                [
                    Jsonb(value, orjson.dumps) if json else value
                    for value, json in zip(values_of(row), is_json, strict=True)
                ]
            )
    return dict(counts)
