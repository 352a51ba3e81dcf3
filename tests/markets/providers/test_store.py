from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from markets.providers.budget import Budget, Quota
from markets.providers.store import MemoryStore, RedisStore, StateStore


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> StateStore:
    if request.param == "memory":
        return MemoryStore()
    return RedisStore(request.getfixturevalue("redis_server"), "provider:")


def test_only_whoever_saw_the_latest_value_replaces_it(store: StateStore) -> None:
    assert store.get("k") is None
    assert store.compare_and_set("k", None, b"one")
    assert not store.compare_and_set("k", None, b"two")
    assert not store.compare_and_set("k", b"other", b"two")
    assert store.get("k") == b"one"
    assert store.compare_and_set("k", b"one", b"two")
    assert store.get("k") == b"two"
    assert not store.compare_and_set("absent", b"one", b"two")
    assert store.get("absent") is None


def test_two_processes_on_redis_spend_one_budget(redis_server: redis.Redis, clock) -> None:
    budgets = [
        Budget("p", [Quota(100, 60, burst=20)], RedisStore(redis_server, "provider:"), clock=clock) for _ in range(2)
    ]

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda i: budgets[i % 2].take(), range(60)))

    assert waits.count(0.0) == 20


def test_values_on_redis_do_not_stay_for_ever(redis_server: redis.Redis) -> None:
    RedisStore(redis_server, "provider:").compare_and_set("k", None, b"one")

    assert 31 * 86_400 < redis_server.ttl("provider:k") <= 32 * 86_400


def test_text_answers_of_a_decoding_client_are_understood(redis_server: redis.Redis) -> None:
    place = redis_server.get_connection_kwargs()
    decoding = redis.Redis(host=place["host"], port=place["port"], db=place["db"], decode_responses=True)
    store = RedisStore(decoding, "provider:")
    store.compare_and_set("k", None, b"one")

    assert store.get("k") == b"one"
    assert store.compare_and_set("k", b"one", b"two")


def test_without_redis_each_process_goes_on_from_its_copy_and_within_limits(
    redis_server: redis.Redis, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget("p", [Quota(100, 60, burst=5)], RedisStore(redis_server, "provider:"), clock=clock)
    for _ in range(3):
        assert budget.take() == 0.0

    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(redis_server, "execute_command", away)
    monkeypatch.setattr(redis_server, "evalsha", away)

    assert [budget.take() == 0.0 for _ in range(4)] == [True, True, False, False]
