"""What every test may ask for: a database, a Redis, and both with nothing of other tests in them.

TEST_SUPERUSER_URL (else DATABASE_URL: a superuser's) and REDIS_URL give the servers; `make test` starts its own. The
Redis database, and for xdist workers those after it, are emptied.
"""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import TestCase, TransactionTestCase
from hypothesis import settings as hypothesis_settings
from redis import Redis

from config import settings as product
from config.kernel import clock
from config.kernel.privileges import APP, OWNER
from tests.support.cluster import Cluster, Login
from tests.support.default_connection import default_connection
from tests.support.redis_database import own_redis_url

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.tokens import TokenType

hypothesis_settings.register_profile("local", deadline=None)
hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "local")

REDIS_URL = own_redis_url(os.environ.get("REDIS_URL", ""), os.environ.get("PYTEST_XDIST_WORKER"))
NO_FLUSH = (
    "Tests do not TRUNCATE: append-only tables refuse it, as they should. "
    "Use the fixture `committed_db` where a test needs real commits."
)


def pytest_configure() -> None:
    """Point the product at this process's own Redis database before anything has connected."""
    if REDIS_URL:
        os.environ["REDIS_URL"] = settings.REDIS_URL = settings.CELERY_BROKER_URL = REDIS_URL
        for cache in product.CACHES.values():
            cache["LOCATION"] = REDIS_URL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("django_db")
        case = getattr(item, "cls", None)
        flushes = isinstance(case, type) and issubclass(case, TransactionTestCase) and not issubclass(case, TestCase)
        if flushes or (marker and (marker.kwargs.get("transaction") or any(marker.args))):
            raise pytest.UsageError(f"{item.nodeid}: {NO_FLUSH}")


@pytest.fixture
def transactional_db() -> None:
    pytest.fail(NO_FLUSH)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    url = os.environ.get("TEST_SUPERUSER_URL") or os.environ.get("DATABASE_URL")
    if not url:
        pytest.fail("Neither TEST_SUPERUSER_URL nor DATABASE_URL is set: run `make test`, which starts a server.")
    cluster = Cluster(url, [os.environ.get(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL")])
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def template_database(cluster: Cluster, django_db_blocker: Any) -> str:
    """The name of the migrated database that the others are copies of."""

    def migrate(login: Login) -> None:
        with django_db_blocker.unblock(), default_connection(login):
            call_command("migrate", verbosity=0, interactive=False)

    return cluster.prepare(migrate)


@pytest.fixture(scope="session")
def django_db_setup(
    cluster: Cluster, template_database: str, django_test_environment: None, django_db_blocker: Any
) -> Iterator[None]:
    """In place of pytest-django's: the default connection is the role `app` in a clone of the template."""
    login = cluster.login(cluster.clone(template_database), APP)
    with django_db_blocker.unblock(), default_connection(login):
        yield


@pytest.fixture
def committed_db(
    cluster: Cluster, template_database: str, django_test_environment: None, django_db_blocker: Any
) -> Iterator[Login]:
    """A database for this test alone, where what is committed stays: the default connection is the role `app` there."""
    login = cluster.login(cluster.clone(template_database), APP)
    with django_db_blocker.unblock(), default_connection(login):
        yield login
    cluster.drop(login.database)


@pytest.fixture
def owner_connection(cluster: Cluster, committed_db: Login) -> Iterator[psycopg.Connection[Any]]:
    """The role that owns the tables, in the database of this test alone."""
    with cluster.login(committed_db.database, OWNER).connect() as connection:
        yield connection


@pytest.fixture
def superuser_connection(cluster: Cluster, committed_db: Login) -> Iterator[psycopg.Connection[Any]]:
    """A superuser, in the database of this test alone."""
    with cluster.login(committed_db.database).connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def redis_database() -> Iterator[Redis | None]:
    client = Redis.from_url(REDIS_URL) if REDIS_URL else None
    yield client
    if client:
        client.close()


@pytest.fixture(autouse=True)
def _empty_redis(redis_database: Redis | None) -> None:
    # Counters of one test would be the limits of the next.
    if redis_database:
        redis_database.flushdb()


@pytest.fixture
def redis_server(redis_database: Redis | None) -> Redis:
    """A client of this process's Redis database, which is empty at the start of each test."""
    if redis_database is None:
        pytest.fail("REDIS_URL is not set: run `make test`, which starts a server.")
    return redis_database


@pytest.fixture
def bearer() -> Callable[..., dict[str, str]]:
    """The header with which a person makes a request."""

    def bearer(person: "User", token_type: "TokenType | None" = None) -> dict[str, str]:
        # Models can only be imported once Django is set up, which is after this file was read.
        from accounts import tokens
        from accounts.tokens import TokenType
        from tests.accounts.factories import SessionFactory

        at = clock.now()
        session = SessionFactory.create(user=person, created_at=at)
        is_refresh = token_type == TokenType.REFRESH
        token = tokens.refresh_token(session) if is_refresh else tokens.access_token(session, at=at)
        return {"Authorization": f"Bearer {token}"}

    return bearer


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    """What processes remember, forgotten before each test: a rolled-back version, or user, comes again."""
    from accounts import credentials
    from accounts.revocations import REVOCATIONS, Revocations
    from markets import feeds, sources
    from markets.api.answers import ANSWERS
    from markets.board import SHELF
    from markets.versions import WATCH, Watch

    vars(REVOCATIONS).update(vars(Revocations()))
    credentials.TOKENS.clear()
    credentials.KEYS.clear()
    vars(WATCH).update(vars(Watch()))
    SHELF.clear()
    ANSWERS.clear()
    sources._names.clear()
    feeds._simulated.cache_clear()
    feeds._real.cache_clear()
    feeds._alternative_me.cache_clear()
    feeds._reader_of.cache_clear()
