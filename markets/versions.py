"""The data version as readers follow it: PostgreSQL holds it, Redis tells when to look.

A commit that changes market data publishes the new version in Redis. Each process looks there at most every half
second, and in the database when the hint moved, every ten seconds, and whenever Redis does not answer.
"""

import threading
import time

import structlog
from django.db import DatabaseError
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from markets.models import Market

KEY = "market:version"
POLL_SECONDS = 0.5
DATABASE_SECONDS = 10.0

log = structlog.get_logger(__name__)


def publish(version: int) -> None:
    """Tell every process that the data changed; without Redis they find out by themselves."""
    try:
        get_redis_connection("default").set(KEY, version)
    except RedisError as error:
        log.warning("version.not_published", version=version, error=type(error).__name__)


class Watch:
    """One process's view of the data version; `current` is cheap enough for every request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: int | None = None
        self._hint: bytes | None = None
        self._next_poll = 0.0
        self._next_database_look = 0.0

    def current(self) -> int:
        """The newest version known; raises DatabaseError only when none was ever known."""
        is_due = time.monotonic() >= self._next_poll or self._version is None
        # One thread looks; the others go on with what is known, unless nothing is.
        if is_due and self._lock.acquire(blocking=self._version is None):
            try:
                self._poll()
            finally:
                self._lock.release()
        if self._version is None:
            raise DatabaseError("the market's data version is not known yet")
        return self._version

    def forget(self) -> None:
        """Look again at the next call."""
        self._next_poll = self._next_database_look = 0.0

    def _poll(self) -> None:
        now = time.monotonic()
        if now < self._next_poll and self._version is not None:
            return
        self._next_poll = now + POLL_SECONDS
        hint: bytes | None = None
        redis_answered = True
        try:
            hint = get_redis_connection("default").get(KEY)
        except RedisError:
            redis_answered = False
        if redis_answered and hint == self._hint and now < self._next_database_look:
            return
        try:
            self._version = Market.objects.values_list("data_version", flat=True).first() or 0
        except DatabaseError:
            if self._version is None:
                raise
            return
        self._hint = hint
        self._next_database_look = now + DATABASE_SECONDS


WATCH = Watch()
