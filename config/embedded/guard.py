"""A watcher that outlives its supervisor by a moment: when the supervisor is gone, nothing that it started stays.

It reads orders from a pipe whose other end only the supervisor holds, so even `kill -9` of the supervisor is seen as
the end of the pipe. Run as a plain script, on the standard library alone.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

PATIENCE = 20.0  # seconds for what is still running to stop when asked


class Guard:
    """The supervisor's end: tell it what must not survive."""

    def __enter__(self) -> Self:
        self._watcher = subprocess.Popen(  # noqa: S603 - this file
            [sys.executable, "-I", __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()
        self._watcher.wait()

    def watch(self, pid: int, stop_signal: signal.Signals) -> None:
        """Stop the process group `pid` by `stop_signal`, should the supervisor die; the last one watched goes first."""
        self._order(f"watch {pid} {int(stop_signal)}")

    def forget(self, pid: int) -> None:
        """The process has been stopped in order."""
        self._order(f"forget {pid}")

    def remove_afterwards(self, path: Path) -> None:
        """Remove the file or directory at the end, orderly or not."""
        self._order(f"remove {path}")

    @property
    def _orders(self) -> IO[str]:
        assert self._watcher.stdin is not None  # noqa: S101 - asked for above; tells the type checker
        return self._watcher.stdin

    def _order(self, line: str) -> None:
        # Without its watcher the supervisor still stops everything itself.
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(line + "\n")
            self._orders.flush()


def stand_watch(orders: IO[str]) -> None:
    """Follow the orders until they end, then stop and remove what is left."""
    watched: dict[int, int] = {}
    leftovers: list[Path] = []
    for line in orders:
        verb, _, rest = line.rstrip("\n").partition(" ")
        if verb == "watch":
            pid, stop_signal = map(int, rest.split())
            watched[pid] = stop_signal
        elif verb == "forget":
            watched.pop(int(rest), None)
        elif verb == "remove":
            leftovers.append(Path(rest))
    deadline = time.monotonic() + PATIENCE
    for pid, stop_signal in reversed(watched.items()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    for path in leftovers:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a zombie that nobody has reaped yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return Path("/proc/self").exists() is False  # without /proc a zombie cannot be told from a living process
    return status.rpartition(")")[2].split()[0] != "Z"


if __name__ == "__main__":
    stand_watch(sys.stdin)
