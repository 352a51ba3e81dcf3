"""A database and a Redis for one suite: empty at the start, gone at the end."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from redis import Redis
from redis.exceptions import RedisError

from config.bench.errors import BenchFailed

STATEMENT_TIMEOUT = "300s"
"""For every statement of the benchmark: a bad plan fails instead of lingering."""

SETTINGS = (
    "server_version",
    "shared_buffers",
    "work_mem",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "max_wal_size",
    "jit",
)
"""What of PostgreSQL's settings a reader of the figures wants to know."""


@dataclass(frozen=True, slots=True)
class Database:
    """The suite's database, by the parts of its address; everything in it belongs to the superuser."""

    host: str
    port: str
    user: str
    password: str
    name: str

    @property
    def url(self) -> str:
        who = ":".join(quote(part, safe="") for part in (self.user, self.password) if part)
        return f"postgresql://{who}@/{quote(self.name, safe='')}?host={quote(self.host, safe='')}&port={self.port}"

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of its own, where each statement is a transaction."""
        return psycopg.connect(
            self.url, autocommit=True, options=f"-c statement_timeout={STATEMENT_TIMEOUT} -c jit=off"
        )


@contextmanager
def temporary_database(superuser_url: str) -> Iterator[Database]:
    """A migrated database that Django's default connection leads to while the context lasts."""
    given = {key: str(value) for key, value in conninfo_to_dict(superuser_url).items()}
    server = Database(
        given.get("host", "127.0.0.1"),
        given.get("port", "5432"),
        given.get("user", ""),
        given.get("password", ""),
        given.get("dbname", "postgres"),
    )
    database = Database(server.host, server.port, server.user, server.password, f"bench_{secrets.token_hex(4)}")
    name = sql.Identifier(database.name)
    try:
        keeper = server.connect()
    except psycopg.OperationalError as error:
        raise BenchFailed(f"PostgreSQL does not answer: {error}") from error
    with keeper:
        if not keeper.execute("SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper").rowcount:
            raise BenchFailed(
                "The benchmark makes databases: TEST_SUPERUSER_URL or DATABASE_URL must be a superuser's."
            )
        keeper.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name))
        try:
            with _default_connection(database):
                call_command("migrate", verbosity=0, interactive=False)
                yield database
        finally:
            keeper.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@contextmanager
def _default_connection(database: Database) -> Iterator[None]:
    settings, before = connections.settings["default"], connections["default"]
    options = {key: value for key, value in settings["OPTIONS"].items() if key != "pool"}
    where = {"HOST": database.host, "PORT": database.port, "NAME": database.name}
    who = {"USER": database.user, "PASSWORD": database.password}
    timeouts = {"options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout=10s"}
    connections.settings["default"] = settings | where | who | {"OPTIONS": options | timeouts}
    connections["default"] = inside = connections.create_connection("default")
    try:
        yield
    finally:
        inside.close()
        connections.settings["default"] = settings
        connections["default"] = before


@contextmanager
def empty_redis(url: str) -> Iterator[Redis]:
    """The Redis database of `url`, which must be empty, and is emptied at the end."""
    client = Redis.from_url(url)
    try:
        if client.dbsize():
            raise BenchFailed("The Redis database of REDIS_URL is not empty: give one that nobody uses.")
    except RedisError as error:
        raise BenchFailed(f"Redis does not answer: {error}") from error
    try:
        yield client
    finally:
        client.flushdb()
        client.close()


def settings_of(database: Database) -> dict[str, str]:
    """PostgreSQL's version and the settings in `SETTINGS`."""
    with database.connect() as connection:
        found = connection.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [[*SETTINGS]]
        )
        return dict(sorted(found.fetchall()))
