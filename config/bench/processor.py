"""How much of the machine the benchmark had for itself: processor time of its own processes and of all others.

Read from /proc; where there is none, nothing is known and no round counts as disturbed.
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")

Reading = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor cores in use over a stretch of time: by us, by others, and taken away by the hypervisor."""

    own: float
    foreign: float
    steal: float


class Meter:
    """Measures from `start` to `stop`. `servers` gives the ids of processes that work for us without being ours."""

    def __init__(self, servers: Callable[[], Iterable[int]]) -> None:
        self._servers = servers
        self._begin: Reading = (0.0, 0.0, 0.0, 0.0)

    def start(self) -> None:
        self._begin = self._read()

    def stop(self) -> Usage | None:
        """What was used since `start`; None where the system does not tell."""
        if not (_PROC / "stat").exists():
            return None
        now, busy, steal, own = (end - begin for end, begin in zip(self._read(), self._begin, strict=True))
        return Usage(own / now, max(0.0, busy - own) / now, steal / now)

    def _read(self) -> Reading:
        """The time, and seconds of work: of all processors, stolen from them, and of our processes."""
        if not (_PROC / "stat").exists():
            return 0.0, 0.0, 0.0, 0.0
        words = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, system, _idle, _waiting, irq, soft_irq, steal = map(int, words[:8])
        own = sum(_work(pid, reaped=True) for pid in _descendants(os.getpid()))
        # What a server's ended children did, they may have done for somebody else.
        own += sum(_work(pid, reaped=False) for pid in self._servers())
        busy = user + nice + system + irq + soft_irq
        return time.monotonic(), busy / _TICKS, steal / _TICKS, own / _TICKS


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; none for a process that has gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _work(pid: int, *, reaped: bool) -> int:
    """Ticks of work, with those of children that have ended if `reaped`."""
    fields = _fields(pid)
    return sum(map(int, fields[11 : 15 if reaped else 13]))


def _descendants(root: int) -> set[int]:
    """A process and all that stem from it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = set[int](), [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found


def is_program(pid: int, *names: str) -> bool:
    """Whether the process runs on this machine under one of the names."""
    try:
        return (_PROC / str(pid) / "comm").read_text().strip() in names
    except OSError:
        return False
