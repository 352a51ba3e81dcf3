"""Finished answers of the market routes: kept in this process and, for every process, in Redis.

An answer is good for one data version, for at most five minutes, and not beyond the moment at which something in it
turns stale.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

import orjson
import structlog
from django.http import HttpResponse
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from config.kernel.rendering import MEDIA_TYPE

LIFETIME = timedelta(seconds=300)
LOCAL_BYTES = 32_000_000
ENTRY_BYTES = 1_500  # of an entry's objects, besides its texts
REDIS_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with its entity tag, the headers that belong to it and the instant until which it holds."""

    body: bytes
    etag: str
    expires_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, body: bytes, *, at: datetime, fresh_until: datetime | None = None, headers: Mapping[str, str] | None = None
    ) -> "Answer":
        """An answer made at `at`; `fresh_until` is when the first of its fresh parts turns stale."""
        expires_at = at + LIFETIME if fresh_until is None else min(at + LIFETIME, fresh_until)
        return cls(body, f'W/"{blake2b(body, digest_size=12).hexdigest()}"', expires_at, headers or {})

    def response(self) -> HttpResponse:
        response = HttpResponse(self.body, content_type=MEDIA_TYPE)
        response.headers["ETag"] = self.etag
        for name, value in self.headers.items():
            response.headers[name] = value
        return response

    def packed(self) -> bytes:
        return orjson.dumps([self.etag, self.expires_at.isoformat(), dict(self.headers)]) + b"\n" + self.body

    @classmethod
    def unpacked(cls, data: bytes) -> "Answer":
        head, _, body = data.partition(b"\n")
        etag, expires_at, headers = orjson.loads(head)
        return cls(body, etag, datetime.fromisoformat(expires_at), headers)


class AnswerCache:
    """The latest answers in memory, at most `LOCAL_BYTES` of them, in front of Redis."""

    def __init__(self) -> None:
        self._local: OrderedDict[tuple[object, ...], Answer] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._redis_again_at = 0.0

    def find(self, key: tuple[object, ...], *, at: datetime, make: Callable[[], Answer]) -> Answer:
        """The answer for `key`, which names the data version, from memory, from Redis or made now."""
        answer = self._local.get(key)
        if answer is not None and at < answer.expires_at:
            return answer
        name = "answer:" + blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        answer = self._from_redis(name)
        if answer is None or at >= answer.expires_at:
            answer = make()
            self._to_redis(name, answer, at=at)
        self._keep(key, answer)
        return answer

    def clear(self) -> None:
        """Forget what this process holds."""
        with self._lock:
            self._local.clear()
            self._bytes = 0

    def _keep(self, key: tuple[object, ...], answer: Answer) -> None:
        with self._lock:
            replaced = self._local.pop(key, None)
            if replaced is not None:
                self._bytes -= _size(key, replaced)
            self._local[key] = answer
            self._bytes += _size(key, answer)
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


def _size(key: tuple[object, ...], answer: Answer) -> int:
    """About how many bytes an entry takes. A long question with a short answer is not small."""
    return len(answer.body) + 4 * len(repr(key)) + ENTRY_BYTES


ANSWERS = AnswerCache()
