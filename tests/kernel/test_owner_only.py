"""Tables that only their owner's functions write."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from config.kernel.owner_only import owner_only_function_sql, owner_only_sql
from config.kernel.privileges import grant_sql

WRITES = {
    "insert": "INSERT INTO ledger VALUES (2)",
    "insert of no row": "INSERT INTO ledger SELECT 2 WHERE false",
    "update": "UPDATE ledger SET line = 2",
    "delete": "DELETE FROM ledger",
    "truncate": "TRUNCATE ledger",
}
ENTER = """
CREATE FUNCTION enter(line int) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'INSERT INTO public.ledger VALUES (line)'"""


@pytest.fixture
def app_connection(committed_db):
    with committed_db.connect() as connection:
        yield connection


@pytest.fixture(autouse=True)
def ledger(owner_connection) -> None:
    owner_connection.execute("CREATE TABLE ledger (line int)")
    for statement in [owner_only_function_sql(), *owner_only_sql("public.ledger"), ENTER]:
        owner_connection.execute(statement)
    owner_connection.execute("INSERT INTO ledger VALUES (1)")


def lines(connection: psycopg.Connection) -> list[int]:
    return [line for (line,) in connection.execute("SELECT line FROM ledger ORDER BY line")]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_serving_role_reads_and_does_not_write(app_connection, write):
    with pytest.raises(InsufficientPrivilege, match="permission denied"):
        app_connection.execute(write)

    assert lines(app_connection) == [1]


def test_functions_of_the_owner_write_for_it(app_connection):
    app_connection.execute("SELECT enter(7)")

    assert lines(app_connection) == [1, 7]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_others_with_the_privilege_are_refused_by_the_trigger(superuser_connection, write):
    superuser_connection.execute("SET session_replication_role = replica")

    with pytest.raises(InsufficientPrivilege, match=r"ledger is written by .* owner only: [A-Z]+ refused"):
        superuser_connection.execute(write)

    assert lines(superuser_connection) == [1]


def test_grants_may_be_repeated_and_restored(owner_connection, superuser_connection):
    rights = "SELECT relacl::text FROM pg_class WHERE relname = 'ledger'"
    before = superuser_connection.execute(rights).fetchone()
    superuser_connection.execute("GRANT ALL ON ledger TO app, PUBLIC")

    owner_connection.execute(grant_sql())

    assert superuser_connection.execute(rights).fetchone() == before
    assert "app=r/owner" in before[0]


def test_stating_it_again_is_harmless(owner_connection, app_connection):
    for statement in [owner_only_function_sql(), *owner_only_sql("public.ledger")]:
        owner_connection.execute(statement)

    with pytest.raises(InsufficientPrivilege):
        app_connection.execute(WRITES["insert"])
