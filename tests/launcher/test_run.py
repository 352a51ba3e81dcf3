"""`make run` for real, on a copy of the checkout: everything that it starts is the product's own."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import psycopg
import pytest

from config.embedded.home import Home
from tests.support.processes import eventually, processes_in

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(400)]
REPOSITORY = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "tests", "static", "node_modules", "__pycache__")
GIVEN = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "EMBEDDED_SERVERS", "TEST_SUPERUSER_URL")
ROLES = ["viewer", "analyst", "moderator", "operator", "admin"]


class Run:
    """One launcher of a checkout, as a person sees it."""

    def __init__(self, checkout, **variables):
        environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
        self._file = checkout / ".local" / "run.json"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher"],
            cwd=checkout,
            env={**environment, "PORT": str(free_port()), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def until_ready(self):
        assert self._process.stdout
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                return json.loads(self._file.read_text())
        raise AssertionError("".join(said))

    def end(self, number):
        self._process.send_signal(number)
        rest, _ = self._process.communicate(timeout=120)
        return self._process.returncode, rest


@pytest.fixture
def checkout(tmp_path):
    copy = tmp_path / "checkout"
    shutil.copytree(REPOSITORY, copy, ignore=LEFT_OUT)
    yield copy
    shutil.rmtree(Home.of_checkout(copy).path)


@pytest.fixture
def start(checkout):
    runs = []

    def start(**variables):
        runs.append(Run(checkout, **variables))
        return runs[-1]

    yield start
    for run in runs:
        run.end(signal.SIGTERM)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(url, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - the loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the loopback
        return json.loads(answer.read())


def everything_of(checkout):
    return processes_in(checkout) + processes_in(Home.of_checkout(checkout).path)


def test_product_serves_a_demo_market_to_every_role_until_it_is_stopped(checkout, start):
    run = start(DEMO="1")
    address = run.until_ready()
    base = address["base_url"]

    assert stat.S_IMODE((checkout / ".local" / "run.json").stat().st_mode) == 0o600
    assert call(f"{base}/health")["status"] == "ok"
    assert call(f"{base}/api/v1/cryptocurrencies/?limit=3")["count"] > 100
    assert list(address["logins"]) == ROLES
    for role, login in address["logins"].items():
        assert "access_token" in call(f"{base}/api/v1/auth/login", login), role

    code, said = start().end(0)
    assert (code, said) == (0, f"The product of this checkout is already running at {base}.\n")
    assert call(f"{base}/livez") == {"status": "ok"}

    assert run.end(signal.SIGINT) == (0, "Stopping\nStopped.\n")
    assert everything_of(checkout) == []
    assert not (checkout / ".local" / "run.json").exists()


def test_killed_launcher_leaves_nothing_behind_and_the_next_start_finds_the_data(checkout, start):
    run = start(DEMO="0")
    address = run.until_ready()
    assert address["logins"] == {}
    with psycopg.connect(address["database_owner_url"]) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert len(everything_of(checkout)) > 5

    run.end(signal.SIGKILL)

    eventually(lambda: everything_of(checkout) == [])
    again = start(DEMO="0").until_ready()
    with psycopg.connect(again["database_owner_url"]) as owner:
        assert owner.execute("SELECT answer FROM kept").fetchone() == (42,)
