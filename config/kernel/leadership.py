"""One of many: the process that holds a lock of PostgreSQL, as long as its session lives."""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg
from django.db import connection

_LOCKS = 0x1EAD  # the class of these advisory locks
# A leader that is frozen, or cut off with its machine, says nothing any more: the server ends its session.
_SILENCE = "SET idle_session_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s'"


class Leadership:
    """The wish to be the one process that does something; `number` says what.

    The session must be the process's own from its first to its last statement: a pooler that hands each transaction
    to another session cannot be between.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._session: psycopg.Connection[Any] | None = None

    def session(self) -> psycopg.Connection[Any] | None:
        """The session that holds the lock, just asked; None while another process holds it.

        Must be called every few seconds, or the server takes the lock back. What is done in a transaction of this
        session is done by the leader or not at all. Raises `psycopg.Error` while PostgreSQL is away.
        """
        try:
            if self._session is None:
                self._session = psycopg.connect(**connection.get_connection_params(), autocommit=True)
                self._session.execute(_SILENCE)
            return self._session if self._holds(self._session) or self._takes(self._session) else None
        except psycopg.Error:
            self.resign()
            raise

    def resign(self) -> None:
        """Let go of the lock, also where the server no longer answers."""
        if self._session is not None:
            with contextlib.suppress(psycopg.Error):
                self._session.close()
            self._session = None

    def _holds(self, session: psycopg.Connection[Any]) -> bool:
        mine = session.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = %s AND objid = %s",
            [_LOCKS, self._number],
        )
        return bool(mine.rowcount)

    def _takes(self, session: psycopg.Connection[Any]) -> bool:
        row = session.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCKS, self._number]).fetchone()
        return row is not None and bool(row[0])
