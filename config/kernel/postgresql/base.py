"""The product's `ENGINE`: Django's PostgreSQL with metrics, where a connection of the pool costs no round trip."""

import select
from functools import lru_cache
from typing import Any

import psycopg
from django_prometheus.db.backends.postgresql import base
from django_prometheus.db.common import ExportingCursorWrapper

from config.kernel.binary_copy import BinaryArray, BinaryArrayDumper

# Before the first connection takes its copy: registered with a cursor, it would cost each of them one.
psycopg.adapters.register_dumper(BinaryArray, BinaryArrayDumper)

_counting = lru_cache(maxsize=8)(ExportingCursorWrapper)


class DatabaseWrapper(base.DatabaseWrapper):
    """A pooled connection is looked at rather than asked whether it is alive."""

    def get_connection_params(self) -> dict[str, Any]:
        # As the class above does, which makes a new class of cursors for each connection.
        parameters: dict[str, Any] = super(base.DatabaseWrapper, self).get_connection_params()
        parameters["cursor_factory"] = _counting(parameters["cursor_factory"], self.alias, self.vendor)
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if self.pool:
            for _ in range(self.pool.max_size):
                if _is_quiet(connection):
                    break
                connection.close()
                self.pool.putconn(connection)  # which opens another in its place
                connection = super().get_new_connection(conn_params)
        return connection


def _is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """Whether nothing has come since the last answer; what a server sends to an idle connection is its farewell."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
