import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.servers import Servers

REPOSITORY = Path(__file__).resolve().parents[2]

# Keeps servers in the home that is its argument until its standard input ends.
SUPERVISOR = """
import sys
from pathlib import Path
from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.servers import Servers

with Guard() as guard, Servers(Home(Path(sys.argv[1])), guard):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait for what another process does, and fail when it never does."""

    def wait(condition: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.02)

    return wait


@pytest.fixture
def home() -> Iterator[Home]:
    """A home that the servers' account can reach, which pytest's own directories are not."""
    home = Home.temporary()
    yield home
    shutil.rmtree(home.path)


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard() as guard:
        yield guard


@pytest.fixture(scope="module")
def servers(guard: Guard) -> Iterator[Servers]:
    """Servers that the tests of a module share."""
    home = Home.temporary()
    with Servers(home, guard, durable=False) as servers:
        yield servers
    shutil.rmtree(home.path)


@pytest.fixture
def supervisor_command(home: Home) -> list[str]:
    """Another process that runs the servers of `home`."""
    return [sys.executable, "-c", SUPERVISOR, str(home.path)]


@pytest.fixture
def processes_in() -> Callable[[Path], list[int]]:
    """The processes that work in a directory or below it, zombies aside."""

    def find(directory: Path) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                works_in = (entry / "cwd").readlink()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if entry.name.isdigit() and works_in.is_relative_to(directory) and state != "Z":
                found.append(int(entry.name))
        return found

    if not os.access("/proc/self/cwd", os.R_OK):
        pytest.skip("there is no /proc to look into")
    return find
