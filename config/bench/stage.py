"""What a suite has to work with."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from config.bench.contest import Contest
from config.bench.database import Database
from config.embedded.guard import Guard

QUICK = 20
"""A quick run takes a twentieth of the input."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A suite's servers, the directory for its logs, and whether it is to be quick."""

    database: Database
    redis: Redis
    guard: Guard
    directory: Path
    is_quick: bool
    say: Callable[[str], None]

    def scaled(self, size: int) -> int:
        return size // QUICK if self.is_quick else size


Suite = Callable[[Stage], AbstractContextManager[Sequence[Contest]]]
"""Makes the input, compares both sides' answers, and has the contests ready while the context lasts."""
