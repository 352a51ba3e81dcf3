import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from config.embedded import __main__ as command
from config.embedded.home import Home
from config.embedded.servers import Servers
from tests.support.processes import eventually

pytestmark = pytest.mark.integration
REPOSITORY = Path(__file__).resolve().parents[2]
WITH = [sys.executable, "-m", "config.embedded", "with"]
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
VARIABLES = ("DATABASE_URL", "DB_URL", "DATABASE_OWNER_URL", "REDIS_URL", "TEST_SUPERUSER_URL", "EMBEDDED_SERVERS")


@pytest.fixture
def environment(tmp_path):
    """Nothing given; temporary directories where the test can see them."""
    temporary = Path(tempfile.mkdtemp())
    temporary.chmod(0o711)
    yield {**{k: v for k, v in os.environ.items() if k not in VARIABLES}, "TMPDIR": str(temporary)}
    shutil.rmtree(temporary)


def run(arguments, environment):
    return subprocess.run(
        [*WITH, *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=100
    )


def test_command_runs_beside_new_servers_that_are_gone_afterwards(environment):
    question = "import os, psycopg; psycopg.connect(os.environ['TEST_SUPERUSER_URL']).execute('CREATE ROLE x')"

    done = run(["--temporary", "--", sys.executable, "-c", f"{question}; {SHOW}; raise SystemExit(7)"], environment)

    seen = json.loads(done.stdout)
    assert done.returncode == 7
    assert {name: seen[name].partition("@127.0.0.1:")[0].partition(":")[0] for name in VARIABLES if name in seen} == {
        "DATABASE_URL": "postgresql",
        "DATABASE_OWNER_URL": "postgresql",
        "TEST_SUPERUSER_URL": "postgresql",
        "REDIS_URL": "redis",
        "EMBEDDED_SERVERS": "true",
    }
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(seen["DATABASE_URL"])
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def test_servers_that_are_given_are_used_and_none_is_started(environment):
    given = {"DATABASE_URL": "postgresql://me@db/x", "REDIS_URL": "redis://cache/0"}

    done = run(["--temporary", "--", sys.executable, "-c", SHOW], {**environment, **given})

    seen = json.loads(done.stdout)
    assert {name: seen[name] for name in VARIABLES if name in seen} == {
        **given,
        "TEST_SUPERUSER_URL": "postgresql://me@db/x",
    }
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def test_only_the_missing_server_is_started(environment):
    given = {"DATABASE_URL": "postgresql://me@db/x"}

    done = run(["--temporary", "--", sys.executable, "-c", SHOW], {**environment, **given})

    seen = json.loads(done.stdout)
    assert seen["DATABASE_URL"] == seen["TEST_SUPERUSER_URL"] == "postgresql://me@db/x"
    assert "DATABASE_OWNER_URL" not in seen
    assert seen["REDIS_URL"].startswith("redis://default:")


@pytest.mark.parametrize(("options", "fsync"), [(["--temporary"], "off"), (["--temporary", "--durable"], "on")])
def test_only_durable_servers_wait_for_the_disk(environment, options, fsync):
    question = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).execute('SHOW fsync').fetchone())"

    assert run([*options, "--", sys.executable, "-c", question], environment).stdout == f"('{fsync}',)\n"


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_reaches_the_command_and_ends_the_servers(environment, number):
    program = (
        "import signal, sys\n"
        "for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(n, lambda n, f: sys.exit(40 + n))\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )
    process = subprocess.Popen(
        [*WITH, "--temporary", "--", sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"up\n"

    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == 40 + number
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def test_command_that_a_signal_ended_answers_like_a_shell(environment):
    done = run(["--temporary", "--", "sh", "-c", "kill -9 $$"], {**environment, **given_servers()})

    assert done.returncode == 128 + signal.SIGKILL


def test_command_that_is_not_there_is_named(environment):
    done = run(["--temporary", "--", "no-such-command"], {**environment, **given_servers()})

    assert done.returncode == 1
    assert done.stderr.startswith("no-such-command cannot be run: ")


def test_missing_command_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as ending:
        command.main(["with", "--temporary", "--"])

    assert ending.value.code == 2
    assert "a command is missing" in capsys.readouterr().err


@pytest.mark.faults
def test_killed_supervisor_leaves_no_directory(environment):
    done = run(["--temporary", "--", "sh", "-c", "kill -9 $PPID"], environment)

    assert done.returncode == -signal.SIGKILL
    eventually(lambda: list(Path(environment["TMPDIR"]).iterdir()) == [])


def test_development_servers_that_run_already_are_joined(environment, home, guard, monkeypatch, capfd):
    monkeypatch.setattr(Home, "of_checkout", lambda repository: home)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    with Servers(home, guard, durable=False) as servers:
        code = command.main(["with", "--", sys.executable, "-c", SHOW])

    for number, handler in handlers.items():
        signal.signal(number, handler)
    seen = json.loads(capfd.readouterr().out)
    assert code == 0
    assert {name: seen[name] for name in servers.urls} == servers.urls
    assert "TEST_SUPERUSER_URL" not in seen


def test_servers_that_cannot_be_had_are_said_in_a_sentence(environment):
    done = run(["--temporary", "--", "true"], {**environment, "PG_BIN": "/nowhere"})

    assert done.returncode == 1
    assert done.stderr == "PG_BIN=/nowhere is not a usable PostgreSQL: it has no postgres.\n"
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def given_servers():
    return {"DATABASE_URL": "postgresql://me@db/x", "REDIS_URL": "redis://cache/0"}
