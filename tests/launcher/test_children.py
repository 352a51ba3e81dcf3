import json
import os
import signal
import sys

import pytest

from config.embedded.guard import Guard
from config.launcher import children
from config.launcher.children import Child, ErrorLines
from tests.support.processes import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def child(tmp_path):
    with Guard() as guard:
        child = Child(
            "worker",
            [sys.executable, "-c", "import signal; signal.pause()"],
            logs=tmp_path,
            directory=tmp_path,
            environment=os.environ,
            guard=guard,
            patience=5,
        )
        yield child
        child.process.stop()


def kill(child):
    pid = child.process.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_living_child_is_left_alone(child):
    said: list[str] = []
    child.start(now=0)
    pid = child.process.pid

    child.tend(1, said.append)

    assert (child.process.pid, said) == (pid, [])


def test_dead_child_starts_again_after_its_delay(child):
    said: list[str] = []
    child.start(now=0)
    kill(child)

    child.tend(10, said.append)
    child.tend(10.9, said.append)
    before = child.process.pid
    child.tend(11, said.append)

    assert (before, child.process.pid is None) == (None, False)
    assert said == [f"worker ended unexpectedly (code -9) and starts again in 1 s; see {child.process.log}"]


def test_delay_doubles_up_to_its_limit_while_the_child_keeps_dying(child):
    said: list[str] = []
    now = 0.0
    child.start(now)
    for _ in range(7):
        kill(child)
        child.tend(now, said.append)
        now += children.LONGEST_DELAY
        child.tend(now, said.append)

    assert [line.partition(" again in ")[2].partition(" s;")[0] for line in said] == [*"1248", "16", "30", "30"]


def test_long_life_forgives_earlier_deaths(child):
    said: list[str] = []
    child.start(0)
    kill(child)
    child.tend(0, said.append)
    child.tend(1, said.append)
    kill(child)

    child.tend(1 + children.HEALTHY_AFTER, said.append)

    assert [line.partition(" again in ")[2].partition(" s;")[0] for line in said] == ["1", "1"]


def test_errors_of_the_log_are_said_and_nothing_else(child):
    said: list[str] = []
    child.start(0)
    with child.process.log.open("a") as log:
        log.write("plain text\n" + json.dumps({"level": "info", "event": "fine"}) + "\n")
        log.write(json.dumps({"level": "error", "event": "sync.failed\n twice"}) + "\n")

    child.tend(1, said.append)
    child.tend(2, said.append)

    assert said == ["worker: sync.failed twice"]


def test_line_that_is_still_being_written_is_read_when_whole(tmp_path):
    log = tmp_path / "log"
    errors = ErrorLines(log)
    assert list(errors.new()) == []
    log.write_text('{"level": "critical", "ev')
    assert list(errors.new()) == []

    with log.open("a") as more:
        more.write('ent": "disk.full"}\n[1]\n')

    assert list(errors.new()) == ["disk.full"]


def test_errors_of_an_earlier_run_are_not_repeated(tmp_path):
    (tmp_path / "log").write_text('{"level": "error", "event": "old"}\n')

    assert list(ErrorLines(tmp_path / "log").new()) == []


def test_output_of_a_child_goes_to_its_own_log(child, tmp_path):
    child.process.command = [sys.executable, "-c", "print('hello')"]
    child.start(0)

    eventually(lambda: child.process.exit_code is not None)

    assert (tmp_path / "worker.log").read_text() == "hello\n"
