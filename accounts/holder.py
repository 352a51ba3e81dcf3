"""Which process holds a job, in words that tell another process of the same machine whether it still lives."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process: where it runs, its number there and when it started, since numbers are used again."""

    node: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Self:
        """The process that asks."""
        return cls(_node(), os.getpid(), _start_of(os.getpid()) or "")

    def __str__(self) -> str:
        return f"{self.node}:{self.pid}:{self.started}"

    def sees_gone(self, other: str) -> bool:
        """Whether the process that `other` names has ended. False for one that cannot be seen from here."""
        node, _, rest = other.partition(":")
        pid, _, started = rest.partition(":")
        if node != self.node or not started or not pid.isdecimal():
            return False
        return _start_of(int(pid)) != started


@cache
def _node() -> str:
    """This machine since it was last started, and the process table of this container: process numbers mean nothing
    elsewhere, and names of hosts are not unique."""
    host = socket.gethostname()[:100]
    try:
        facts = (_PROC / "sys/kernel/random/boot_id").read_text() + str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return host  # where there is no /proc, nobody is seen to be gone either
    return f"{host}/{hashlib.sha256(facts.encode()).hexdigest()[:12]}"


def _start_of(pid: int) -> str | None:
    """When a process was started, in ticks since the machine was; None for one that has ended."""
    try:
        # What follows the name, which may hold blanks and brackets: the state is the third field, the start the 22nd.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
