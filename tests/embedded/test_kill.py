import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config.embedded import guard as guard_module
from config.embedded.guard import is_running, stand_watch
from config.embedded.servers import Servers, running
from tests.support.processes import eventually, processes_in

pytestmark = [pytest.mark.faults, pytest.mark.integration]
STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); sys.stdin.read()"
)


@pytest.fixture
def supervisor(supervisor_command):
    process = subprocess.Popen(supervisor_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def stubborn():
    """A process that ignores the polite signal."""
    command = [sys.executable, "-c", STUBBORN]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    yield process
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.communicate()


def guard_of(supervisor):
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text().split()
    return next(int(pid) for pid in children if "guard.py" in Path(f"/proc/{pid}/cmdline").read_text())


def test_killed_supervisor_leaves_no_server_behind(supervisor, home):
    assert processes_in(home.path) != []

    supervisor.kill()
    supervisor.wait()

    eventually(lambda: processes_in(home.path) == [])
    assert "database system is shut down" in (home.path / "postgres.log").read_text()


def test_start_right_after_a_kill_finds_the_data(supervisor, home, guard):
    with psycopg.connect(running(home)["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    supervisor.kill()
    supervisor.wait()

    with Servers(home, guard) as servers, psycopg.connect(servers.urls["DATABASE_OWNER_URL"]) as owner:
        assert owner.execute("SELECT answer FROM kept").fetchone() == (42,)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_servers_end_with_their_supervisor_even_when_its_guard_was_killed_first(supervisor, home):
    os.kill(guard_of(supervisor), signal.SIGKILL)
    supervisor.kill()
    supervisor.wait()

    eventually(lambda: processes_in(home.path) == [])


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_servers_that_outlived_everything_are_stopped_by_the_next_start(supervisor, home, guard):
    # Stopped servers cannot follow the signals of a dying parent, like ones on a machine that hangs.
    left = processes_in(home.path)
    os.kill(guard_of(supervisor), signal.SIGKILL)
    for pid in left:
        os.kill(pid, signal.SIGSTOP)
    supervisor.kill()
    supervisor.wait()
    for pid in left:
        os.kill(pid, signal.SIGCONT)

    with Servers(home, guard) as servers:
        assert urlsplit(servers.urls["DATABASE_URL"]).hostname == "127.0.0.1"
        assert set(left).isdisjoint(processes_in(home.path))


def test_ended_input_stops_the_servers_in_order(supervisor, home):
    supervisor.communicate(timeout=60)

    assert supervisor.returncode == 0
    assert processes_in(home.path) == []


def test_guard_kills_what_does_not_stop_when_asked(stubborn, monkeypatch):
    monkeypatch.setattr(guard_module, "PATIENCE", 0.2)

    stand_watch(io.StringIO(f"watch {stubborn.pid} {int(signal.SIGTERM)}\n"))

    assert stubborn.wait(10) == -signal.SIGKILL


def test_guard_leaves_alone_what_it_was_told_to_forget(stubborn):
    stand_watch(io.StringIO(f"watch {stubborn.pid} {int(signal.SIGKILL)}\nforget {stubborn.pid}\n"))

    assert stubborn.poll() is None


def test_guard_removes_files_and_directories(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "directory" / "below").mkdir(parents=True)

    stand_watch(io.StringIO("".join(f"remove {tmp_path / name}\n" for name in ("file", "directory", "absent"))))

    assert list(tmp_path.iterdir()) == []


def test_guard_takes_a_dead_process_for_stopped(stubborn):
    stubborn.kill()
    os.waitid(os.P_PID, stubborn.pid, os.WEXITED | os.WNOWAIT)  # a zombie now

    assert is_running(stubborn.pid) is False

    stubborn.wait()
    assert is_running(stubborn.pid) is False
    stand_watch(io.StringIO(f"watch {stubborn.pid} {int(signal.SIGTERM)}\n"))
