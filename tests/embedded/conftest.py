import shutil
import sys
from collections.abc import Iterator

import pytest

from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.servers import Servers

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
