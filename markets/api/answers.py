"""Finished answers of the market routes: kept in this process and, for every process, in Redis.

An answer is good for one data version, for at most five minutes, and not beyond the moment at which something in it
turns stale. What is asked for twice goes to Redis; a question that never comes again would only fill it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b

import orjson
import structlog
from django.http import HttpResponse
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from config.kernel.conditional import weak_etag
from config.kernel.headers import put
from config.kernel.rendering import MEDIA_TYPE

LIFETIME = timedelta(seconds=300)
LOCAL_BYTES = 32_000_000
ENTRY_BYTES = 1_500  # of an entry's objects, besides its texts
REDIS_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A body, the instant until which it holds, the headers that belong to it and its entity tag, once it has one.

    `fresh_until` is when the first of its fresh parts turns stale; None when none will.
    """

    body: bytes
    expires_at: datetime
    fresh_until: datetime | None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""

    @classmethod
    def of(
        cls, body: bytes, *, at: datetime, fresh_until: datetime | None = None, headers: Mapping[str, str] | None = None
    ) -> "Answer":
        """An answer made at `at`."""
        expires_at = at + LIFETIME if fresh_until is None else min(at + LIFETIME, fresh_until)
        return cls(body, expires_at, fresh_until, headers or {})

    def to(self, question: tuple[object, ...]) -> "Answer":
        """This answer, tagged: of one question there is one answer until something in it turns stale."""
        return replace(self, etag=weak_etag(*question, self.fresh_until))

    def response(self) -> HttpResponse:
        response = HttpResponse(self.body, content_type=MEDIA_TYPE)
        put(response, {"ETag": self.etag, **self.headers})
        return response

    def packed(self) -> bytes:
        head = [self.expires_at, self.fresh_until, dict(self.headers), self.etag]
        return orjson.dumps(head) + b"\n" + self.body

    @classmethod
    def unpacked(cls, data: bytes) -> "Answer":
        head, _, body = data.partition(b"\n")
        expires_at, fresh_until, headers, etag = orjson.loads(head)
        until = None if fresh_until is None else datetime.fromisoformat(fresh_until)
        return cls(body, datetime.fromisoformat(expires_at), until, headers, etag)


@dataclass(slots=True)
class _Entry:
    answer: Answer
    is_shared: bool


class AnswerCache:
    """The latest answers in memory, at most `LOCAL_BYTES` of them, in front of Redis."""

    def __init__(self) -> None:
        self._local: OrderedDict[tuple[object, ...], _Entry] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._redis_again_at = 0.0

    def find(self, key: tuple[object, ...], *, at: datetime, make: Callable[[], Answer]) -> Answer:
        """The answer for `key`, which names the data version, from memory, from Redis or made now."""
        entry = self._local.get(key)
        if entry is not None and at < entry.answer.expires_at:
            if not entry.is_shared:
                entry.is_shared = True
                self._to_redis(_name(key), entry.answer, at=at)
            return entry.answer
        answer = self._from_redis(_name(key))
        is_shared = answer is not None and at < answer.expires_at
        if answer is None or not is_shared:
            answer = make().to(key)
        self._keep(key, _Entry(answer, is_shared))
        return answer

    def clear(self) -> None:
        """Forget what this process holds."""
        with self._lock:
            self._local.clear()
            self._bytes = 0

    def _keep(self, key: tuple[object, ...], entry: _Entry) -> None:
        with self._lock:
            replaced = self._local.pop(key, None)
            if replaced is not None:
                self._bytes -= _size(key, replaced)
            self._local[key] = entry
            self._bytes += _size(key, entry)
            while self._bytes > LOCAL_BYTES:
                self._bytes -= _size(*self._local.popitem(last=False))

    def _from_redis(self, name: str) -> Answer | None:
        if time.monotonic() < self._redis_again_at:
            return None
        try:
            data = get_redis_connection("default").get(name)
        except RedisError as error:
            self._pause(error)
            return None
        try:
            return None if data is None else Answer.unpacked(data)
        except (ValueError, TypeError) as error:
            # Written by another release, or not by us: made anew and written over.
            log.warning("answers.unreadable", name=name, error=type(error).__name__)
            return None

    def _to_redis(self, name: str, answer: Answer, *, at: datetime) -> None:
        if time.monotonic() < self._redis_again_at:
            return
        milliseconds = int((answer.expires_at - at) / timedelta(milliseconds=1))
        if milliseconds <= 0:
            return
        try:
            get_redis_connection("default").set(name, answer.packed(), px=milliseconds)
        except RedisError as error:
            self._pause(error)

    def _pause(self, error: RedisError) -> None:
        # A Redis that does not answer must not cost every read its time-out.
        self._redis_again_at = time.monotonic() + REDIS_PAUSE_SECONDS
        log.warning("answers.redis_away", error=type(error).__name__)


def _name(key: tuple[object, ...]) -> str:
    return "answer:" + blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _size(key: tuple[object, ...], entry: _Entry) -> int:
    """About how many bytes an entry takes. A long question with a short answer is not small."""
    return len(entry.answer.body) + 4 * len(repr(key)) + ENTRY_BYTES


ANSWERS = AnswerCache()
