import json
import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from config.embedded import postgres
from config.embedded.errors import AlreadyRunning, ServersError
from config.embedded.home import Home
from config.embedded.servers import Servers, running
from tests.support.processes import processes_in

pytestmark = pytest.mark.integration
DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")


def ask(url, question):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(question).fetchall()[0][0]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def with_password(url, password):
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{parts.port}").geturl()


def test_both_servers_answer_on_free_loopback_ports(servers):
    database, broker = urlsplit(servers.urls["DATABASE_URL"]), urlsplit(servers.urls["REDIS_URL"])

    assert ask(servers.urls["DATABASE_URL"], "SHOW listen_addresses") == "127.0.0.1"
    assert redis.Redis.from_url(servers.urls["REDIS_URL"]).config_get("bind") == {"bind": "127.0.0.1"}
    assert (database.hostname, broker.hostname) == ("127.0.0.1", "127.0.0.1")
    assert database.port != broker.port
    assert {database.port, broker.port}.isdisjoint({5432, 6379})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TimeZone", "UTC"),
        ("log_timezone", "UTC"),
        ("jit", "off"),
        ("max_connections", "80"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("password_encryption", "scram-sha-256"),
        ("fsync", "off"),
    ],
)
def test_thrown_away_postgres_has_the_setting(servers, setting, value):
    assert ask(servers.urls["DATABASE_URL"], f"SHOW {setting}") == value


def test_broker_loses_no_job_to_save_memory(servers):
    client = redis.Redis.from_url(servers.urls["REDIS_URL"])

    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_upper_and_lower_case_of_any_letter_are_known(servers):
    assert ask(servers.urls["DATABASE_URL"], "SELECT lower('ÄÉŁ') || upper('žß')") == "äéłŽß"


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_OWNER_URL"])
def test_no_role_of_the_product_is_a_superuser(servers, variable):
    assert ask(servers.urls[variable], "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_serving_role_cannot_create_tables(servers):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(servers.urls["DATABASE_URL"], "CREATE TABLE forbidden ()")

    assert ask(servers.urls["DATABASE_OWNER_URL"], "SELECT to_regclass('forbidden')") is None


def test_serving_role_writes_rows_of_the_owners_tables(servers):
    with psycopg.connect(servers.urls["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE note (text text)")

    assert ask(servers.urls["DATABASE_URL"], "INSERT INTO note VALUES ('written') RETURNING text") == "written"


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_OWNER_URL"])
def test_database_refuses_a_wrong_password(servers, variable):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(with_password(servers.urls[variable], "guess"))


@pytest.mark.parametrize("password", ["guess", ""])
def test_broker_refuses_a_wrong_password(servers, password):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(with_password(servers.urls["REDIS_URL"], password)).ping()


def test_superuser_is_not_among_the_variables_of_the_product(servers):
    assert set(servers.urls) == {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}
    assert urlsplit(servers.superuser_url).username == "boot"


def test_passwords_are_readable_for_their_owner_alone(servers):
    files = [servers.home.path / name for name in ("state.json", "running.json", "valkey.conf")]

    assert [mode(file) for file in files] == [0o600, 0o600, 0o600]
    assert [mode(servers.home.path / name) for name in ("valkey", "postgres-18")] == [0o700, 0o700]


def test_no_command_line_shows_a_password(servers):
    passwords = json.loads((servers.home.path / "state.json").read_text()).values()
    commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in processes_in(servers.home.path)]

    assert len(commands) > 2
    assert [word for word in passwords for command in commands if word in command] == []


def test_second_supervisor_is_refused_and_told_the_way(servers, guard):
    with pytest.raises(AlreadyRunning, match=str(servers.home.path)):
        Servers(servers.home, guard).__enter__()

    assert running(servers.home) == servers.urls


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as somebody else")
def test_root_runs_the_servers_as_nobody(servers):
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes_in(servers.home.path)}

    assert owners == {servers.home.account.uid} != {0}


def test_directories_above_the_home_stay_as_they_are(guard):
    above = [Path(name) for name in ("/", "/tmp", "/var", "/var/tmp", tempfile.gettempdir(), Path.home())]
    before = [mode(path) for path in above]

    home = Home.temporary()
    with Servers(home, guard, durable=False, postgres=False):
        after = [mode(path) for path in above]

    shutil.rmtree(home.path)
    assert after == before


def test_only_what_is_asked_for_is_started(home, guard):
    with Servers(home, guard, durable=False, postgres=False) as servers:
        assert set(servers.urls) == {"REDIS_URL"}
        assert list(home.path.glob("postgres*")) == []


def test_data_and_passwords_survive_a_restart(home, guard):
    with Servers(home, guard) as first:
        assert ask(first.urls["DATABASE_URL"], "SHOW fsync") == "on"
        with psycopg.connect(first.urls["DATABASE_OWNER_URL"], autocommit=True) as owner:
            owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        redis.Redis.from_url(first.urls["REDIS_URL"]).set("kept", "too")

    with Servers(home, guard) as second:
        assert ask(second.urls["DATABASE_OWNER_URL"], "SELECT answer FROM kept") == 42
        assert redis.Redis.from_url(second.urls["REDIS_URL"]).get("kept") == b"too"
        assert urlsplit(second.urls["DATABASE_URL"]).password == urlsplit(first.urls["DATABASE_URL"]).password


def test_stopped_servers_leave_no_process_and_no_address(home, guard):
    with Servers(home, guard, durable=False):
        assert processes_in(home.path) != []

    assert processes_in(home.path) == []
    assert not (home.path / "running.json").exists()
    with pytest.raises(ServersError, match="just stopped"):
        running(home)


@pytest.mark.faults
def test_killed_servers_come_back_on_the_same_ports_with_their_data(home, guard):
    with Servers(home, guard) as servers:
        with psycopg.connect(servers.urls["DATABASE_OWNER_URL"], autocommit=True) as owner:
            owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        for pid in [server.process.pid for server in servers._servers if server.process.pid]:
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

        assert servers.revive() == ["PostgreSQL", "Valkey"]

        assert ask(servers.urls["DATABASE_OWNER_URL"], "SELECT answer FROM kept") == 42
        assert redis.Redis.from_url(servers.urls["REDIS_URL"]).ping() is True
        assert servers.revive() == []


@pytest.mark.faults
def test_port_taken_at_the_last_moment_is_exchanged_for_another(home, guard, servers, monkeypatch):
    taken = urlsplit(servers.urls["DATABASE_URL"]).port
    ports = {module: iter([taken, *(postgres.free_port() for _ in range(2))]) for module in ("postgres", "valkey")}
    for module in ports:
        monkeypatch.setattr(f"config.embedded.{module}.free_port", ports[module].__next__)

    with Servers(home, guard, durable=False) as second:
        assert ask(second.urls["DATABASE_URL"], "SELECT 1") == 1
        assert redis.Redis.from_url(second.urls["REDIS_URL"]).ping() is True
        assert taken not in {urlsplit(url).port for url in second.urls.values()}


def test_process_id_left_by_another_boot_does_not_keep_postgres_from_starting(home, guard):
    with Servers(home, guard, durable=False, valkey=False):
        pass
    # The number now belongs to a process of somebody else, as happens after a reboot.
    (home.path / "postgres-18" / "postmaster.pid").write_text(f"{os.getpid()}\n{home.path / 'postgres-18'}\n")
    home.hand_over(home.path / "postgres-18" / "postmaster.pid")

    with Servers(home, guard, durable=False, valkey=False) as servers:
        assert ask(servers.urls["DATABASE_URL"], "SELECT 1") == 1


def test_data_of_another_major_version_is_kept_and_named(home, guard):
    old = home.path / "postgres-15"
    old.mkdir()
    (old / "PG_VERSION").write_text("15\n")
    home_with_passwords = dict.fromkeys(["boot", "owner", "app", "valkey"], "x" * 20)
    (home.path / "state.json").write_text(json.dumps(home_with_passwords))
    said: list[str] = []

    with Servers(home, guard, durable=False, valkey=False, say=said.append) as servers:
        assert ask(servers.urls["DATABASE_URL"], "SHOW server_version_num").startswith("18")

    assert said == [f"{old} is kept: it needs another PostgreSQL version than 18."]
    assert (old / "PG_VERSION").read_text() == "15\n"


@pytest.mark.skipif(not DEBIAN_POSTGRES.exists(), reason="the system has no PostgreSQL 15")
def test_systems_postgresql_15_serves_as_well(home, guard):
    environment = {**os.environ, "PG_BIN": str(DEBIAN_POSTGRES)}

    with Servers(home, guard, durable=False, valkey=False, environment=environment) as servers:
        assert ask(servers.urls["DATABASE_URL"], "SHOW server_version_num").startswith("15")
        assert ask(servers.urls["DATABASE_URL"], "SELECT lower('ÄÉŁ')") == "äéł"


def test_postgres_that_cannot_start_says_why_and_stops_the_other(home, guard, monkeypatch):
    monkeypatch.setitem(postgres.SETTINGS, "max_connections", "none")

    with pytest.raises(ServersError, match='invalid value for parameter "max_connections"'):
        Servers(home, guard, durable=False).__enter__()

    assert processes_in(home.path) == []


def test_valkey_that_cannot_start_says_why(home, guard):
    home.directory("valkey")
    (home.path / "valkey" / "appendonlydir").write_text("a file where a directory must be")

    with pytest.raises(ServersError, match="appendonlydir"):
        Servers(home, guard, durable=False, postgres=False).__enter__()

    assert processes_in(home.path) == []


def test_data_directory_that_cannot_be_made_is_reported_without_the_password(home, guard):
    broken = home.path / "bin"
    broken.mkdir()
    for name, answer in (("postgres", "echo 'postgres (PostgreSQL) 18.0'"), ("initdb", "echo no space left; exit 1")):
        (broken / name).write_text(f"#!/bin/sh\n{answer}\n")
        (broken / name).chmod(0o755)

    with pytest.raises(ServersError, match="no space left"):
        Servers(home, guard, valkey=False, environment={"PG_BIN": str(broken)}).__enter__()

    assert list(home.path.glob("*.password")) == []


def test_missing_programs_are_said_before_anything_is_made(home, guard, monkeypatch):
    monkeypatch.setattr("config.embedded.binaries._package", lambda name: None)
    monkeypatch.setattr("config.embedded.binaries.SYSTEM_POSTGRES", ())

    with pytest.raises(ServersError, match="Set DATABASE_URL"):
        Servers(home, guard, environment={"PATH": ""}).__enter__()
    with pytest.raises(ServersError, match="Set REDIS_URL"):
        Servers(home, guard, postgres=False, environment={"PATH": ""}).__enter__()

    assert [path.name for path in home.path.iterdir()] == ["lock"]
