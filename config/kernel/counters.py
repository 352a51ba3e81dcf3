"""The cache behind the rate limits: counts in Redis, one round trip each, atomically.

django-ratelimit counts with `add(key, 1)` followed by `incr(key)`, or looks with `add(key, 0)` followed
by `get(key)`. Here the `add` of such a pair does the whole work in one script and the second half
answers what the first one learned, so a decision costs one round trip instead of two.
"""

import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

# The expiry is set with the first count, so a key can never stay behind for ever.
_COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
"""

TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 1.0


class CountersUnavailable(Exception):
    """Redis did not answer, or did not a moment ago."""


class _Server:
    """One Redis-compatible server as all threads of this process see it."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._digest: str | None = None
        self._away_until = 0.0

    def ask(self, *command: object) -> Any:
        """The server's answer. After a failure nobody asks for `PAUSE_SECONDS`: a dead server costs one
        request its patience, not every request."""
        if time.monotonic() < self._away_until:
            raise CountersUnavailable
        try:
            return self._client.execute_command(*cast("tuple[Any, ...]", command))
        except NoScriptError:
            raise
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            raise CountersUnavailable from error

    def count(self, key: str, by: int, milliseconds: int) -> int:
        if self._digest is not None:
            try:
                return int(self.ask("EVALSHA", self._digest, 1, key, by, milliseconds))
            except NoScriptError:
                pass  # the server was restarted, or its scripts flushed
        self._digest = self.ask("SCRIPT", "LOAD", _COUNT)
        return int(self.ask("EVALSHA", self._digest, 1, key, by, milliseconds))


# One per process, not one per Django cache object: those live as long as a thread's context.
_server = lru_cache(maxsize=8)(_Server)


class CounterCache(BaseCache):
    """What django-ratelimit needs of a cache. Raises `CountersUnavailable` instead of answering "no"."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._server = _server(location)
        self._learned = threading.local()

    def add(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Count `value` (or look, for 0) and say whether this was the first count of the key."""
        name = self.make_key(key, version)
        if value:
            count = self._server.count(name, int(value), int(1_000 * cast("float", self._seconds(timeout))))
        else:
            count = int(self._server.ask("GET", name) or 0)
        self._learned.pair = (key, count)
        return bool(value) and count == value

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The count after the `add` just before; counts itself where there was none."""
        learned = self._take(key)
        if learned is not None:
            return learned
        return int(self._server.ask("INCRBY", self.make_key(key, version), delta))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The count that the `add` just before has seen, else the one in Redis."""
        learned = self._take(key)
        if learned is not None:
            return learned
        count = self._server.ask("GET", self.make_key(key, version))
        return default if count is None else int(count)

    def clear(self) -> None:
        """Forget every count under this cache's prefix."""
        for name in self._server.ask("KEYS", self.make_key("*")):
            self._server.ask("DEL", name)

    def _seconds(self, timeout: float | None) -> float | None:
        return self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout

    def _take(self, key: str) -> int | None:
        pair: tuple[str, int] | None = getattr(self._learned, "pair", None)
        self._learned.pair = None
        return pair[1] if pair is not None and pair[0] == key else None
