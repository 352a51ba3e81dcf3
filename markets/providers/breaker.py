"""Leaves a failing provider alone for a while, then tries it with a single call."""

import time
from collections.abc import Callable
from typing import Literal

import msgspec

from markets.providers.store import StateStore

_ATTEMPTS = 1000


class _State(msgspec.Struct):
    failures: int = 0
    open_until: float = 0.0  # 0 while closed; while open, when the next probe may go


class Breaker:
    """Closed until `threshold` failures in a row, then open for `cooldown` seconds, then half open.

    Half open lets one call through; its success closes the circuit, its failure opens it again. If nothing is
    heard of that call, the next one may go after another `cooldown`.
    """

    def __init__(
        self,
        key: str,
        store: StateStore,
        *,
        threshold: int = 5,
        cooldown: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = f"breaker:{key}"
        self._store = store
        self._threshold = threshold
        self._cooldown = cooldown
        self._clock = clock

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """As the next caller would find it."""
        _, state = self._load()
        if not state.open_until:
            return "closed"
        return "open" if self._clock() < state.open_until else "half_open"

    def remaining(self) -> float:
        """Seconds until a call may go; 0.0 if one may go now. Changes nothing."""
        _, state = self._load()
        return max(0.0, state.open_until - self._clock()) if state.open_until else 0.0

    def admit(self) -> float:
        """0.0 if the caller may call, and the only one to do so while half open; else the seconds to wait."""
        for _ in range(_ATTEMPTS):
            seen, state = self._load()
            if not state.open_until:
                return 0.0
            now = self._clock()
            if now < state.open_until:
                return state.open_until - now
            probing = _State(state.failures, now + self._cooldown)
            if self._store.compare_and_set(self._key, seen, msgspec.json.encode(probing)):
                return 0.0
        return self._cooldown

    def succeeded(self) -> None:
        """The provider answered: closed, and no failures on record."""
        seen, state = self._load()
        # A lost race means that another call has just reported; one of the two reports is as good as the other.
        if state.failures or state.open_until:
            self._store.compare_and_set(self._key, seen, msgspec.json.encode(_State()))

    def failed(self) -> None:
        """The provider did not answer, or not with anything of use."""
        for _ in range(_ATTEMPTS):
            seen, state = self._load()
            failures = state.failures + 1
            open_until = self._clock() + self._cooldown if failures >= self._threshold else 0.0
            if self._store.compare_and_set(self._key, seen, msgspec.json.encode(_State(failures, open_until))):
                return

    def _load(self) -> tuple[bytes | None, _State]:
        seen = self._store.get(self._key)
        return seen, msgspec.json.decode(seen, type=_State) if seen is not None else _State()
