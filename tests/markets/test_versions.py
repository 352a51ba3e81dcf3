from typing import Any

import pytest
from django.db import DatabaseError
from django_redis import get_redis_connection
from pytest_django import DjangoAssertNumQueries
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from markets import versions
from markets.actions import market
from markets.models import Market
from markets.versions import KEY, Watch
from tests.markets.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that stands until it is moved."""

    class Clock:
        now = 1_000.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(versions, "time", clock)
    return clock


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def get(self, *_: object) -> None:
            raise RedisAway

        set = get

    monkeypatch.setattr(versions, "get_redis_connection", lambda alias: Away())


def set_version(version: int) -> None:
    Market.objects.update(data_version=version)


def test_a_change_is_counted_and_published_after_the_commit(
    redis_server: Redis, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        version = market.touch(at=NOON)
    assert redis_server.get(KEY) is None

    callbacks[0]()

    assert Market.objects.get().data_version == version
    assert redis_server.get(KEY) == str(version).encode()


def test_between_two_polls_nothing_is_asked(
    clock: Any, django_assert_num_queries: DjangoAssertNumQueries, redis_away: None
) -> None:
    watch = Watch()
    watch.current()
    clock.now += versions.POLL_SECONDS / 2

    with django_assert_num_queries(0):
        watch.current()


def test_a_hint_that_moved_makes_the_database_be_asked(clock: Any) -> None:
    watch = Watch()
    set_version(5)
    assert watch.current() == 5
    set_version(6)
    get_redis_connection("default").set(KEY, 6)
    clock.now += versions.POLL_SECONDS

    assert watch.current() == 6


def test_a_hint_that_lies_is_not_believed(clock: Any) -> None:
    set_version(5)
    get_redis_connection("default").set(KEY, 999)

    assert Watch().current() == 5


def test_a_lost_hint_is_made_good_within_ten_seconds(
    clock: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    watch = Watch()
    set_version(5)
    watch.current()
    set_version(6)

    clock.now += versions.POLL_SECONDS
    with django_assert_num_queries(0):
        assert watch.current() == 5
    clock.now += versions.DATABASE_SECONDS
    assert watch.current() == 6


def test_without_redis_the_database_is_asked_at_each_poll(clock: Any, redis_away: None) -> None:
    watch = Watch()
    set_version(5)
    assert watch.current() == 5
    set_version(6)
    clock.now += versions.POLL_SECONDS

    assert watch.current() == 6


def test_without_the_database_the_last_version_known_is_used(
    clock: Any, redis_away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch()
    set_version(5)
    watch.current()

    def away(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(Market.objects, "values_list", away)
    clock.now += versions.POLL_SECONDS

    assert watch.current() == 5
    with pytest.raises(DatabaseError):
        Watch().current()


def test_publishing_without_redis_fails_nothing(redis_away: None) -> None:
    versions.publish(7)
