"""How a database URL becomes Django's settings, and what a process may do to the server."""

import psycopg
import pytest
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from config.settings.databases import database

URL = "postgresql://app:p%40ss@db.internal:6543/crypto%20portfolio?sslmode=require"


def test_every_part_of_the_url_arrives():
    settings = database(URL, web=False)

    assert {key: settings[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "crypto portfolio",
        "USER": "app",
        "PASSWORD": "p@ss",
        "HOST": "db.internal",
        "PORT": "6543",
    }
    assert settings["OPTIONS"]["sslmode"] == "require"


def test_only_web_processes_pool_their_connections():
    assert "pool" in database(URL, web=True)["OPTIONS"]
    assert "pool" not in database(URL, web=False)["OPTIONS"]
    assert database(URL, web=True)["CONN_MAX_AGE"] == 0


@pytest.fixture
def connect(committed_db):
    """Opens Django connections to this test's database as a web process or another would, and closes them."""
    opened: list[DatabaseWrapper] = []

    def connect(*, web: bool):
        connections.settings["default"] = settings | database(committed_db.url, web=web)
        connections["default"] = wrapper = connections.create_connection("default")
        assert isinstance(wrapper, DatabaseWrapper)
        opened.append(wrapper)
        return wrapper

    settings, before = connections.settings["default"], connections["default"]
    yield connect
    connections.settings["default"], connections["default"] = settings, before
    for wrapper in opened:
        wrapper.close()
        wrapper.close_pool()


def shown(wrapper: DatabaseWrapper, name: str) -> str:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


LIMITS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]


def test_a_request_may_not_hold_the_database_up(connect):
    assert [shown(connect(web=True), name) for name in LIMITS] == ["5s", "2s", "10s"]


def test_work_in_the_background_may_take_its_time(connect):
    assert [shown(connect(web=False), name) for name in LIMITS] == ["0", "10s", "0"]


def test_the_server_can_tell_the_processes_apart(connect):
    assert shown(connect(web=True), "application_name") == "trading-backend web"
    assert shown(connect(web=False), "application_name") == "trading-backend"


def test_a_pooled_connection_that_died_is_replaced(connect, superuser_connection):
    wrapper = connect(web=True)
    mine = shown(wrapper, "application_name")
    wrapper.close()  # goes back to the pool

    superuser_connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = %s", [mine]
    )

    assert shown(wrapper, "application_name") == mine


def test_a_process_without_a_database_says_what_to_do():
    settings = database(None, web=False)
    where = {"host": settings["HOST"], "dbname": settings["NAME"]}

    with pytest.raises(psycopg.OperationalError, match="set DATABASE_URL or start `make run` first"):
        psycopg.connect(**where)
