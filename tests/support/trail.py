"""The audit trail in other hands: what only a superuser of the server can do to it."""
# ruff: noqa: S608  # statements are what these tests are about, and nobody else has a hand in them

from collections.abc import Mapping
from typing import Any

import psycopg

INSERT = """INSERT INTO accounts_auditentry
    (happened_at, verb, subject_type, subject_id, reason, before, after, request_id, api_key)
    VALUES (now(), 'tests.happened', '', '', '', '{}', '{}', '', '')"""

TABLES = ("accounts_auditentry", "accounts_auditlink")


def stored(superuser: psycopg.Connection[Any]) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of the trail and of its chain."""
    return {table: superuser.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}


def tamper(superuser: psycopg.Connection[Any], *statements: str) -> None:
    """Do what every refusal forbids, and leave the refusals as if nothing had been."""
    with superuser.transaction():
        for table in TABLES:
            superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            superuser.execute(statement)
        for table in TABLES:
            superuser.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
