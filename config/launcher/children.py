"""The product's own processes: web, worker and beat, and what happens when one of them dies."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from config.celery import QUEUES
from config.embedded.guard import Guard
from config.embedded.process import Process

FIRST_DELAY = 1.0  # seconds before a dead child starts again; doubled while it keeps dying
LONGEST_DELAY = 30.0
HEALTHY_AFTER = 60.0  # seconds of life that make the next death a first one again
WEB_PROCESSES = 2
WEB_THREADS = 4  # of each web process
WORKER_PROCESSES = 2


def web(port: int) -> list[str]:
    """The HTTP server: Django's WSGI application under granian."""
    return [
        *(sys.executable, "-m", "granian", "config.wsgi:application", "--interface", "wsgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(WEB_PROCESSES)),
        *("--blocking-threads", str(WEB_THREADS), "--respawn-failed-workers", "--workers-kill-timeout", "8"),
    ]


def worker() -> list[str]:
    """The Celery worker for all queues."""
    return [
        *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--queues", ",".join(QUEUES)),
        *("--concurrency", str(WORKER_PROCESSES), "--without-gossip", "--without-mingle"),
    ]


def beat() -> list[str]:
    """The scheduler; its schedule is in the database."""
    return [sys.executable, "-m", "celery", "-A", "config.celery", "beat", "--pidfile", ""]


class Child:
    """One process of the product, started again with a growing delay whenever it dies."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        logs: Path,
        directory: Path,
        environment: Mapping[str, str],
        guard: Guard,
        patience: float,
    ) -> None:
        self.name = name
        self.process = Process(
            name=name,
            command=command,
            log=logs / f"{name}.log",
            directory=directory,
            environment=environment,
            guard=guard,
            patience=patience,
        )
        self._errors = ErrorLines(self.process.log)
        self._started = 0.0
        self._again: float | None = None
        self._delay = FIRST_DELAY

    def start(self, now: float) -> None:
        """Start the process; `now` is the monotonic time."""
        self.process.start()
        self._started, self._again = now, None

    def tend(self, now: float, say: Callable[[str], None]) -> None:
        """Say what went wrong since the last call, and start the process again when its time has come."""
        for line in self._errors.new():
            say(f"{self.name}: {line}")
        if self._again is not None:
            if now >= self._again:
                self.start(now)
        elif self.process.pid is None:
            if now - self._started >= HEALTHY_AFTER:
                self._delay = FIRST_DELAY
            ending = f"{self.name} ended unexpectedly (code {self.process.exit_code})"
            say(f"{ending} and starts again in {self._delay:.0f} s; see {self.process.log}")
            self.process.stop()
            self._again, self._delay = now + self._delay, min(self._delay * 2, LONGEST_DELAY)


class ErrorLines:
    """The errors that a process writes to its log, a line each; everything else stays in the file."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = log.stat().st_size if log.exists() else 0

    def new(self) -> Iterator[str]:
        """Errors written since the last call."""
        if not self._log.exists():
            return
        with self._log.open("rb") as log:
            log.seek(self._position)
            written = log.read()
        whole, _, rest = written.rpartition(b"\n")
        self._position += len(written) - len(rest)
        for line in whole.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("level") in {"error", "critical"}:
                yield re.sub(r"\s+", " ", str(entry.get("event")))[:200]
