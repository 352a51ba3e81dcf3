"""A long-running child process: started with a log file, stopped in order, gone when its supervisor is gone."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded.errors import ServersError
from config.embedded.guard import Guard, is_running
from config.embedded.home import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Process:
    """One program under supervision. `start` may be called again after the program has ended."""

    name: str
    command: Sequence[str | Path]
    log: Path
    directory: Path
    environment: Mapping[str, str]
    guard: Guard
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 20.0  # seconds between the stop signal and SIGKILL
    account: Account | None = None  # run as, instead of the supervisor's own
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_start: int = field(default=0, init=False)

    def start(self) -> None:
        """Start the program; call it from the main thread, whose end the kernel reports to the child."""
        log = os.open(self.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._log_start = os.fstat(log).st_size
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=dict(self.environment),
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone, which stops in order
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
                preexec_fn=_die_with_parent(self.stop_signal),
            )
        except OSError as error:
            raise ServersError(f"{self.name} cannot be started: {error}") from error
        finally:
            os.close(log)
        self.guard.watch(self._child.pid, self.stop_signal)

    @property
    def pid(self) -> int | None:
        """Of the program while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """Of the program that has ended; negative for a signal."""
        return self._child.poll() if self._child else None

    def stop(self) -> None:
        """Ask the program to end, wait for it, and kill its whole group if it does not."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.send_signal(self.stop_signal)
            try:
                self._child.wait(self.patience)
            except subprocess.TimeoutExpired:
                os.killpg(self._child.pid, signal.SIGKILL)
                self._child.wait()
        self.guard.forget(self._child.pid)
        self._child = None

    def said(self) -> str:
        """What the program has written to its log since its last start, at most the last 4,000 characters."""
        with self.log.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - 4000))
            return log.read().decode(errors="replace").strip()


def stop_predecessor(pid_file: Path, directory: Path, stop_signal: signal.Signals, patience: float = 20.0) -> None:
    """Make sure that no server of an earlier, killed supervisor still works in `directory`.

    The caller holds the lock of the home, so whatever is left has no supervisor. A pid file that names a dead process,
    a zombie or somebody else's process (pids are reused) is removed: servers refuse to start because of it.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except FileNotFoundError:
        return
    except (ValueError, IndexError):
        pid_file.unlink()
        return
    deadline = time.monotonic() + patience
    if _works_in(pid, directory):
        os.kill(pid, stop_signal)
    while _works_in(pid, directory):
        if time.monotonic() > deadline:
            raise ServersError(
                f"A server left by an earlier run (process {pid}) does not stop; end it and start again."
            )
        time.sleep(0.02)
    pid_file.unlink(missing_ok=True)


def _works_in(pid: int, directory: Path) -> bool:
    if not is_running(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory.resolve()
    except OSError:
        return False  # it has just ended, or it is not ours


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None  # the guard alone does it
    parent = os.getpid()

    def ask_kernel() -> None:
        # Runs after the change of user, which would clear the request.
        _libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the request was made
            os._exit(1)

    return ask_kernel
