"""The cache behind the rate limits: counts in Redis, one round trip each, atomically.

django-ratelimit counts with `add(key, 1)` followed by `incr(key)`, or looks with `add(key, 0)` followed
by `get(key)`. Here the `add` of such a pair does the whole work in one script and the second half
answers what the first one learned, so a decision costs one round trip instead of two.
"""

import os
import threading
import time
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


class Server:
    """One Redis-compatible server as all threads of this process see it."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._thread = threading.local()
        self._digest: str | None = None
        self._away_until = 0.0

    def ask(self, *command: object) -> Any:
        """The server's answer. After a failure nobody asks for `PAUSE_SECONDS`: a dead server costs one
        request its patience, not every request."""
        if time.monotonic() < self._away_until:
            raise CountersUnavailable
        try:
            return self._answer(command)
        except NoScriptError:
            raise
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            raise CountersUnavailable from error

    def _answer(self, command: tuple[object, ...]) -> Any:
        kept = self._kept()
        if kept is not None:
            try:
                return self._over(kept, command)
            except redis.ConnectionError:
                # Closed since the last question; asking tells without a look beforehand. A count that was on its way
                # may so be made twice, never not at all.
                pass
        return self._over(self.client.connection_pool.make_connection(), command)

    def _kept(self) -> Any:
        """This thread's own connection, not its parent process's: a pool's bookkeeping takes longer than the question.

        It is taken out, and kept again only when its answer was read: nobody finds the answer to another's question.
        """
        kept = self._thread.__dict__.pop("connection", None)
        return kept if kept is not None and kept.pid == os.getpid() else None

    def _over(self, connection: Any, command: tuple[object, ...]) -> Any:
        connection.send_command(*command)
        answer = connection.read_response()
        self._thread.connection = connection
        return answer

    def count(self, key: str, by: int, milliseconds: int) -> int:
        if self._digest is not None:
            try:
                return int(self.ask("EVALSHA", self._digest, 1, key, by, milliseconds))
            except NoScriptError:
                pass  # the server was restarted, or its scripts flushed
        self._digest = self.ask("SCRIPT", "LOAD", _COUNT)
        return int(self.ask("EVALSHA", self._digest, 1, key, by, milliseconds))


# One per process, not one per Django cache object: those live as long as a thread's context.
server = lru_cache(maxsize=8)(Server)


class CounterCache(BaseCache):
    """What django-ratelimit needs of a cache. Raises `CountersUnavailable` instead of answering "no"."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._server = server(location)
        self._thread = threading.local()

    def add(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Count `value` (or look, for 0); always False, so that the caller asks `incr` or `get` for the count."""
        name = self.make_key(key, version)
        if value:
            seconds = cast("float", self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout)
            count = self._server.count(name, int(value), int(seconds * 1_000))
        else:
            count = int(self._server.ask("GET", name) or 0)
        self._thread.learned = (key, count)
        return False

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The count after the `add` just before."""
        return self._take(key)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The count that the `add` just before has seen."""
        return self._take(key)

    def clear(self) -> None:
        """Forget every count under this cache's prefix."""
        names = list(self._server.ask("KEYS", self.make_key("*")))
        if names:
            self._server.ask("DEL", *names)

    def _take(self, key: str) -> int:
        name, count = self._thread.__dict__.pop("learned", (None, 0))
        if name != key:
            raise LookupError(f"{key} has not just been added")
        return int(count)
