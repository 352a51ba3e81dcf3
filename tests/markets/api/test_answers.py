from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as RedisAway

from markets.api import answers
from markets.api.answers import Answer, AnswerCache
from tests.markets.factories import NOON


class Kitchen:
    """Makes numbered answers and counts them."""

    def __init__(self, body: bytes = b"{}") -> None:
        self.body = body
        self.made = 0

    def __call__(self) -> Answer:
        self.made += 1
        return Answer.of(self.body, at=NOON, headers={"Link": "<x>"})


def found_twice(cache: AnswerCache, make: Callable[[], Answer]) -> Answer:
    """What is asked for twice is shared with other processes."""
    cache.find((1, "a"), at=NOON, make=make)
    return cache.find((1, "a"), at=NOON, make=make)


def test_an_answer_is_made_once_for_its_lifetime() -> None:
    cache, kitchen = AnswerCache(), Kitchen()

    for seconds in (0, 1, 299):
        cache.find((1, "a"), at=NOON + timedelta(seconds=seconds), make=kitchen)
    assert kitchen.made == 1

    cache.find((1, "a"), at=NOON + timedelta(seconds=300), make=kitchen)
    assert kitchen.made == 2


def test_an_answer_is_tagged_by_its_question_and_by_what_is_still_fresh_in_it() -> None:
    def tag(key: tuple[object, ...], fresh_until: datetime | None) -> str:
        return AnswerCache().find(key, at=NOON, make=lambda: Answer.of(b"{}", at=NOON, fresh_until=fresh_until)).etag

    until = NOON + timedelta(seconds=7)
    assert tag((1, "a"), until) == tag((1, "a"), until)
    assert len({tag((1, "a"), until), tag((2, "a"), until), tag((1, "b"), until), tag((1, "a"), None)}) == 4


def test_another_version_is_another_answer() -> None:
    cache, kitchen = AnswerCache(), Kitchen()

    cache.find((1, "a"), at=NOON, make=kitchen)
    cache.find((2, "a"), at=NOON, make=kitchen)

    assert kitchen.made == 2


def test_a_question_that_comes_once_leaves_nothing_in_redis() -> None:
    AnswerCache().find((1, "a"), at=NOON, make=Kitchen())

    assert get_redis_connection("default").keys("answer:*") == []


def test_other_processes_find_it_in_redis_whole() -> None:
    kitchen = Kitchen(b'{"lines": "a\\nb"}')
    first = found_twice(AnswerCache(), kitchen)

    second = AnswerCache().find((1, "a"), at=NOON, make=kitchen)

    assert (second, kitchen.made) == (first, 1)


def test_redis_forgets_it_when_it_no_longer_holds() -> None:
    found_twice(AnswerCache(), lambda: Answer.of(b"{}", at=NOON, fresh_until=NOON + timedelta(seconds=7)))

    (name,) = get_redis_connection("default").keys("answer:*")

    assert 0 < get_redis_connection("default").pttl(name) <= 7_000


def test_an_answer_that_no_longer_holds_is_not_kept() -> None:
    AnswerCache().find((1, "a"), at=NOON + timedelta(seconds=301), make=Kitchen())

    assert get_redis_connection("default").keys("answer:*") == []


def test_memory_is_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LOCAL_BYTES", 2 * (answers.ENTRY_BYTES + 100))
    cache, kitchen = AnswerCache(), Kitchen(b"0123456789")
    for key in "abc":
        cache.find((1, key), at=NOON, make=kitchen)
    get_redis_connection("default").flushdb()

    cache.find((1, "c"), at=NOON, make=kitchen)
    cache.find((1, "b"), at=NOON, make=kitchen)
    assert kitchen.made == 3

    cache.find((1, "a"), at=NOON, make=kitchen)
    assert kitchen.made == 4


def test_a_long_question_with_a_short_answer_is_not_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LOCAL_BYTES", 10 * answers.ENTRY_BYTES)
    cache, kitchen = AnswerCache(), Kitchen(b"[]")
    for number in range(3):
        cache.find((1, "x" * 2_000, number), at=NOON, make=kitchen)
    get_redis_connection("default").flushdb()

    cache.find((1, "x" * 2_000, 0), at=NOON, make=kitchen)

    assert kitchen.made == 4


def test_what_another_release_left_in_redis_is_made_anew() -> None:
    kitchen = Kitchen(b"[]")
    found_twice(AnswerCache(), kitchen)
    redis = get_redis_connection("default")
    (name,) = redis.keys("answer:*")
    redis.set(name, b"\x80 an older form")

    assert AnswerCache().find((1, "a"), at=NOON, make=kitchen).body == b"[]"
    assert kitchen.made == 2


def test_without_redis_answers_are_made_and_redis_is_left_alone_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def away(alias: str) -> None:
        asked.append(alias)
        raise RedisAway

    monkeypatch.setattr(answers, "get_redis_connection", away)
    cache, kitchen = AnswerCache(), Kitchen()

    for key in "abc":
        assert cache.find((1, key), at=NOON, make=kitchen).body == b"{}"

    assert (kitchen.made, len(asked)) == (3, 1)
