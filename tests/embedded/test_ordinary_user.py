import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from config.embedded.home import Home

pytestmark = [pytest.mark.integration, pytest.mark.skipif(os.geteuid() != 0, reason="the other tests are run so")]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def interpreter():
    """A Python that `nobody` can start and that finds the product's dependencies."""
    libraries = f"{sysconfig.get_path('purelib')}:{REPOSITORY}"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": libraries, "PYTHONDONTWRITEBYTECODE": "1"}
    account: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        question = [python, "-c", "import psycopg, redis, config.embedded.servers"]
        try:
            answer = subprocess.run(question, env=environment, cwd="/", capture_output=True, **account)
        except OSError:
            continue
        if answer.returncode == 0:
            return python, environment, account
    pytest.skip("the account nobody can reach no Python with the product's dependencies")


def test_ordinary_users_servers_run_as_that_user(interpreter, home):
    python, environment, account = interpreter
    theirs = home.directory("checkout")
    program = (
        "import sys, os, pathlib, psycopg, redis\n"
        "from config.embedded.guard import Guard\n"
        "from config.embedded.home import Home\n"
        "from config.embedded.servers import Servers\n"
        "with Guard() as guard, Servers(Home.of_checkout(pathlib.Path(sys.argv[1])), guard) as servers:\n"
        "    psycopg.connect(servers.urls['DATABASE_URL']); redis.Redis.from_url(servers.urls['REDIS_URL']).ping()\n"
        "    print(*sorted({process.stat().st_uid for process in pathlib.Path('/proc').glob('[0-9]*')\n"
        "        if str(servers.home.path) in (process / 'cmdline').read_text()}), servers.home.path)\n"
    )

    done = subprocess.run(
        [python, "-c", program, str(theirs)], env=environment, cwd="/", capture_output=True, text=True, **account
    )

    assert (done.stdout, done.stderr) == (f"{home.account.uid} {theirs / '.local' / 'servers'}\n", "")
    assert (theirs / ".local" / "servers" / "state.json").stat().st_uid == home.account.uid


def test_directory_of_root_is_refused_to_an_ordinary_user(interpreter, home):
    python, environment, account = interpreter
    roots = Home(home.path / "roots")
    program = "import sys, pathlib; from config.embedded.home import Home; Home(pathlib.Path(sys.argv[1]))"

    done = subprocess.run(
        [python, "-c", program, str(roots.path)], env=environment, cwd="/", capture_output=True, text=True, **account
    )

    assert "not a directory of this user alone" in done.stderr
    shutil.rmtree(roots.path)
