"""The ground that the tests stand on."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from accounts.models import AuditEntry
from config.kernel import clock
from config.kernel.privileges import APP, OWNER
from tests.support.redis_database import own_redis_url

pytest_plugins = ["pytester"]


def whoami() -> tuple[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_database()")
            user, database = cursor.fetchone()
        return user, database
    finally:
        if not connection.in_atomic_block:
            connection.close()


@pytest.mark.django_db
def test_a_test_works_as_the_serving_role():
    assert whoami()[0] == APP


@pytest.mark.django_db
@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_stores_is_gone_for_the_next(turn):
    assert AuditEntry.objects.count() == 0
    AuditEntry.objects.create(verb="tests.happened", happened_at=clock.now())


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_commits_is_gone_for_the_next(committed_db, owner_connection, turn):
    AuditEntry.objects.create(verb="tests.happened", happened_at=clock.now())

    assert owner_connection.execute("SELECT count(*) FROM accounts_auditentry").fetchall() == [(1,)]


def test_other_threads_see_what_a_test_commits(committed_db):
    AuditEntry.objects.create(verb="tests.happened", happened_at=clock.now())

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(whoami).result() == (APP, committed_db.database)
        assert thread.submit(AuditEntry.objects.count).result() == 1
        thread.submit(connections.close_all).result()


@pytest.mark.django_db
def test_a_committed_database_beside_a_rolled_back_one(committed_db):
    AuditEntry.objects.create(verb="tests.happened", happened_at=clock.now())

    assert whoami() == (APP, committed_db.database)
    assert not connection.in_atomic_block


def test_the_owner_and_the_superuser_are_in_the_same_database(committed_db, owner_connection, superuser_connection):
    for each in (owner_connection, superuser_connection):
        assert each.execute("SELECT current_database()").fetchone() == (committed_db.database,)
    assert owner_connection.execute("SELECT current_user").fetchone() == (OWNER,)
    assert superuser_connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (
        True,
    )


def test_a_clone_that_nobody_holds_is_a_leftover_and_others_are_not(cluster, template_database):
    leftover, mine = "test_run_0000001_1", cluster.clone(template_database)
    with cluster.login("postgres").connect() as superuser:
        superuser.execute(f"DROP DATABASE IF EXISTS {leftover}")
        superuser.execute(f"CREATE DATABASE {leftover}")

        cluster.drop_leftovers()

        names = {name for (name,) in superuser.execute("SELECT datname FROM pg_database")}
    assert leftover not in names
    assert {mine, template_database} <= names
    cluster.drop(mine)


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_is_empty_at_the_start_of_each_test(redis_server, turn):
    assert redis_server.dbsize() == 0
    redis_server.set("left", "behind")


@pytest.mark.parametrize(
    ("given", "worker", "own"),
    [
        ("redis://h:6379/3", None, "redis://h:6379/3"),
        ("redis://h:6379/3", "gw0", "redis://h:6379/4"),
        ("redis://:pw@h:6379", "gw1", "redis://:pw@h:6379/2"),
        ("", "gw1", ""),
    ],
)
def test_each_process_has_a_redis_database_of_its_own(given, worker, own):
    assert own_redis_url(given, worker) == own


@pytest.mark.parametrize(
    "test",
    [
        "@pytest.mark.django_db(transaction=True)\ndef test(): pass",
        "def test(live_server): pass",
        "from django.test import TransactionTestCase\nclass Test(TransactionTestCase):\n    def test(self): pass",
    ],
)
def test_a_test_that_would_truncate_is_refused(pytester, request, test):
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text())
    pytester.makeini(f"[pytest]\npythonpath = {request.config.rootpath}\nDJANGO_SETTINGS_MODULE = config.settings")
    pytester.makepyfile(f"import pytest\n{test}")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    assert result.ret != 0
    assert "Tests do not TRUNCATE" in result.stdout.str() + result.stderr.str()
