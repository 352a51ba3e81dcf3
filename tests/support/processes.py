"""Looking at other processes from a test."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for what another process does, and fail when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def processes_in(directory: Path) -> list[int]:
    """The processes that work in a directory or below it, zombies aside; skips where that cannot be seen."""
    if not os.access("/proc/self/cwd", os.R_OK):
        pytest.skip("there is no /proc to look into")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            works_in = (entry / "cwd").readlink()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if works_in.is_relative_to(directory) and state != "Z":
            found.append(int(entry.name))
    return found
