import os
import subprocess

import pytest

from accounts.holder import Holder

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="there is no /proc")  # noqa: PTH110


@pytest.fixture
def child():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def holder_of(pid: int) -> Holder:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return Holder(Holder.current().node, pid, stat.read().rpartition(")")[2].split()[19])


def test_a_process_that_lives_is_not_gone(child):
    me = Holder.current()

    assert not me.sees_gone(str(me))
    assert not me.sees_gone(str(holder_of(child.pid)))


def test_a_killed_process_is_gone_also_before_its_parent_has_noticed(child):
    other = str(holder_of(child.pid))

    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert Holder.current().sees_gone(other)


def test_another_process_of_the_same_number_is_not_the_same():
    me = Holder.current()

    assert me.sees_gone(f"{me.node}:{me.pid}:1")


@pytest.mark.parametrize("name", ["elsewhere:1:1", "", "nonsense", "{node}", "{node}:1", "{node}:1:", "{node}:x:1"])
def test_who_cannot_be_seen_from_here_is_not_known_to_be_gone(name):
    me = Holder.current()

    assert not me.sees_gone(name.format(node=me.node))
