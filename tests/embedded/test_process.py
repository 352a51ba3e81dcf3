import os
import signal
import sys

import pytest

from config.embedded.errors import ServersError
from config.embedded.process import Process, stop_predecessor
from tests.support.processes import eventually

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def process(tmp_path, guard):
    def make(*command, **options):
        return Process("it", command, tmp_path / "log", tmp_path, os.environ, guard, **options)

    return make


def test_stop_kills_what_does_not_end_when_asked(process):
    stubborn = process(sys.executable, "-c", STUBBORN, patience=0.1)
    stubborn.start()
    eventually(lambda: stubborn.said() == "up")

    stubborn.stop()

    assert stubborn.pid is None


def test_stop_before_start_does_nothing(process):
    process("true").stop()


def test_ended_process_has_its_exit_code_and_no_pid(process):
    ended = process(sys.executable, "-c", "raise SystemExit(3)")
    ended.start()
    eventually(lambda: ended.exit_code is not None)

    assert (ended.exit_code, ended.pid) == (3, None)
    ended.stop()


def test_said_begins_with_the_last_start(process):
    talker = process(sys.executable, "-c", "import os; print(os.getpid())")
    for _ in range(2):
        talker.start()
        started = talker._child.pid
        eventually(lambda: talker.exit_code is not None)

    assert talker.said() == str(started)
    talker.stop()


def test_program_that_is_not_there_is_named(process):
    with pytest.raises(ServersError, match=r"it cannot be started: .*no-such-program"):
        process("/no-such-program").start()


def test_log_is_private(process, tmp_path):
    once = process("true")
    once.start()
    once.stop()

    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "garbage", "4194999\n"])
def test_pid_file_of_nobody_is_removed(tmp_path, content):
    pid_file = tmp_path / "pid"
    pid_file.write_text(content)

    stop_predecessor(pid_file, tmp_path, signal.SIGTERM)

    assert not pid_file.exists()


def test_predecessor_is_only_stopped_in_its_own_directory(process, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    neighbour = process(sys.executable, "-c", "import time; time.sleep(60)")
    neighbour.start()
    (other / "pid").write_text(str(neighbour.pid))

    stop_predecessor(other / "pid", other, signal.SIGTERM)

    assert neighbour.pid is not None
    assert not (other / "pid").exists()
    neighbour.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_predecessor_that_does_not_stop_is_named(process, tmp_path):
    stubborn = process(sys.executable, "-c", STUBBORN, patience=0.1)
    stubborn.start()
    eventually(lambda: stubborn.said() == "up")
    (tmp_path / "pid").write_text(str(stubborn.pid))

    with pytest.raises(ServersError, match=f"process {stubborn.pid}"):
        stop_predecessor(tmp_path / "pid", tmp_path, signal.SIGTERM, patience=0.1)

    assert (tmp_path / "pid").exists()
    stubborn.stop()
