"""How many calls a provider still allows: counted before each call, so that failures count too."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from markets.providers.store import StateStore

_CONTENTION = 0.05  # seconds after which to try again when others keep winning the race for the state
_ATTEMPTS = 1000
_INSTANT = 1e-6  # seconds that do not count: a clock of seconds since 1970 in a float cannot tell them apart


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `calls` within any `seconds`; up to `burst` of them at once (default: a third)."""

    calls: int
    seconds: float
    burst: int = 0

    def __post_init__(self) -> None:
        if self.calls < 2 or self.seconds <= 0 or not 0 <= self.burst < self.calls:
            raise ValueError("a quota needs two calls or more, a positive period, and a burst below its calls")

    @property
    def size(self) -> int:
        """Tokens that the full bucket holds."""
        return self.burst or max(1, self.calls // 3)

    @property
    def rate(self) -> float:
        """Tokens per second. A full bucket plus a period's refill is the quota, so no period can exceed it."""
        return (self.calls - self.size) / self.seconds


class _State(msgspec.Struct):
    at: float
    tokens: list[float]
    paused_until: float = 0.0


class Budget:
    """Token buckets of one provider, one per quota; a call takes a token from each."""

    def __init__(
        self, key: str, quotas: Sequence[Quota], store: StateStore, *, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives seconds since 1970: the state is shared between processes."""
        self._key = f"budget:{key}"
        self._quotas = tuple(quotas)
        self._store = store
        self._clock = clock

    def take(self) -> float:
        """Take one call and return 0.0; or take nothing and return the seconds until one may be free."""
        for _ in range(_ATTEMPTS):
            seen, state = self._load()
            pause = state.paused_until - state.at
            if pause > _INSTANT:
                return pause
            wait = max(
                ((1 - tokens) / quota.rate for quota, tokens in zip(self._quotas, state.tokens, strict=True)),
                default=0.0,
            )
            if wait > _INSTANT:
                return wait
            state.tokens = [max(0.0, tokens - 1) for tokens in state.tokens]
            if self._store.compare_and_set(self._key, seen, msgspec.json.encode(state)):
                return 0.0
        return _CONTENTION

    def pause(self, seconds: float) -> None:
        """No calls for so long: the provider said so."""
        for _ in range(_ATTEMPTS):
            seen, state = self._load()
            state.paused_until = max(state.paused_until, state.at + seconds)
            if self._store.compare_and_set(self._key, seen, msgspec.json.encode(state)):
                return

    def remaining(self) -> int:
        """Calls that could be made at once."""
        _, state = self._load()
        return 0 if state.paused_until > state.at else int(min(state.tokens, default=0.0) + _INSTANT)

    def _load(self) -> tuple[bytes | None, _State]:
        """The stored bytes, and the state refilled up to now."""
        now = self._clock()
        seen = self._store.get(self._key)
        if seen is not None:
            state = msgspec.json.decode(seen, type=_State)
            if len(state.tokens) == len(self._quotas):
                # A clock that went back refills nothing.
                passed = max(0.0, now - state.at)
                refilled = [
                    min(float(quota.size), tokens + passed * quota.rate)
                    for quota, tokens in zip(self._quotas, state.tokens, strict=True)
                ]
                return seen, _State(max(now, state.at), refilled, state.paused_until)
        return seen, _State(now, [float(quota.size) for quota in self._quotas])
