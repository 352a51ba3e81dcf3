"""Where budget and breaker keep their few bytes: in this process, or in Redis for all of them."""

import threading
from typing import Protocol

import redis
import structlog

log = structlog.get_logger(__name__)


class StateStore(Protocol):
    """A small value per key that is replaced only by whoever saw its latest version."""

    def get(self, key: str) -> bytes | None:
        """The value, or None where there is none."""
        ...

    def compare_and_set(self, key: str, seen: bytes | None, new: bytes) -> bool:
        """Store `new` if the value is still `seen`; say whether it was."""
        ...


class MemoryStore:
    """State of this process, shared by its threads."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """The value, or None where there is none."""
        return self._values.get(key)

    def compare_and_set(self, key: str, seen: bytes | None, new: bytes) -> bool:
        """Store `new` if the value is still `seen`; say whether it was."""
        with self._lock:
            if self._values.get(key) != seen:
                return False
            self._values[key] = new
            return True

    def put(self, key: str, value: bytes) -> None:
        """Store `value` whatever was there."""
        with self._lock:
            self._values[key] = value


_COMPARE_AND_SET = """
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if current ~= ARGV[2] then return 0 end
elseif current then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
return 1
"""
_KEPT_SECONDS = 32 * 24 * 3600  # longer than the longest quota, a month


class RedisStore:
    """State of all processes. While Redis is away each process goes on with its own copy, never without limits."""

    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._script = client.register_script(_COMPARE_AND_SET)
        self._copy = MemoryStore()

    def get(self, key: str) -> bytes | None:
        """The value, or None where there is none."""
        try:
            value = self._client.get(self._prefix + key)
        except redis.RedisError as error:
            log.warning("provider.state_local", key=key, error=type(error).__name__)
            return self._copy.get(key)
        if value is None:
            return None
        content = value if isinstance(value, bytes) else str(value).encode()
        self._copy.put(key, content)
        return content

    def compare_and_set(self, key: str, seen: bytes | None, new: bytes) -> bool:
        """Store `new` if the value is still `seen`; say whether it was."""
        arguments = ["1" if seen is not None else "0", seen or b"", new, _KEPT_SECONDS]
        try:
            stored = bool(self._script(keys=[self._prefix + key], args=arguments))
        except redis.RedisError as error:
            log.warning("provider.state_local", key=key, error=type(error).__name__)
            return self._copy.compare_and_set(key, seen, new)
        if stored:
            self._copy.put(key, new)
        return stored
