import os
import pwd
import stat
from pathlib import Path

import pytest

from config.embedded import home as home_module
from config.embedded.binaries import PostgresPrograms
from config.embedded.errors import AlreadyRunning, ServersError
from config.embedded.home import Account, Home, hold, server_account, write_private

pytestmark = pytest.mark.unit
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs another account to be reachable by")


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def ordinary_user(monkeypatch):
    """As if this were not root; files belong to whoever runs the tests all the same."""
    user = os.getuid()
    monkeypatch.setattr(home_module, "server_account", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: user or 1000)
    monkeypatch.setattr(Home, "_make", lambda self: self.path.mkdir(mode=0o700, exist_ok=True))


@pytest.fixture
def programs(tmp_path):
    """An installation below a directory that others cannot enter."""
    private = tmp_path / "private"
    binary = private / "package" / "bin"
    for file, content in ((binary / "postgres", "server"), (private / "package.libs" / "libpq.so", "library")):
        file.parent.mkdir(parents=True)
        file.write_text(content)
    (private / "package" / "include").mkdir()
    (binary / "postgres").chmod(0o700)
    (binary / "link").symlink_to("postgres")
    private.chmod(0o700)
    return PostgresPrograms(binary, 18, private, (private / "package", private / "package.libs"))


@pytest.mark.usefixtures("ordinary_user")
def test_ordinary_users_servers_live_in_the_checkout(tmp_path):
    assert Home.of_checkout(tmp_path).path == tmp_path / ".local" / "servers"
    assert mode(tmp_path / ".local") == 0o700


@as_root
def test_roots_servers_live_where_nobody_can_reach_them_and_each_checkout_has_its_own(tmp_path):
    homes = [Home.of_checkout(tmp_path / name).path for name in ("one", "other", "one")]
    for path in set(homes):
        path.rmdir()

    assert homes[0] == homes[2] != homes[1]
    assert {path.parent for path in homes} == {Path("/var/tmp")}
    assert list(tmp_path.iterdir()) == []


@as_root
def test_temporary_home_avoids_a_temporary_directory_that_nobody_can_reach(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))

    home = Home.temporary()
    home.path.rmdir()

    assert home.path.parent == Path("/var/tmp")
    assert list(tmp_path.iterdir()) == []


@as_root
def test_home_that_nobody_can_reach_is_refused(tmp_path):
    (tmp_path / "private").mkdir(mode=0o700)

    with pytest.raises(ServersError, match="`nobody`, which runs the servers, cannot reach"):
        Home(tmp_path / "private" / "home")

    assert mode(tmp_path / "private") == 0o700


def test_directory_that_others_may_write_to_is_refused(tmp_path):
    open_to_all = tmp_path / "home"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)

    with pytest.raises(ServersError, match="not a directory of this user alone"):
        Home(open_to_all)


def test_link_that_somebody_has_put_in_the_place_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "home").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ServersError, match="not a directory of this user alone"):
        Home(tmp_path / "home")

    assert mode(tmp_path / "elsewhere") == 0o700


@as_root
def test_directory_of_somebody_else_is_refused(home):
    theirs = home.directory("theirs")

    with pytest.raises(ServersError, match="not a directory of this user alone"):
        Home(theirs)


def test_directory_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)

    with pytest.raises(ServersError, match=f"{tmp_path / 'home'} cannot be used by this user"):
        Home(tmp_path / "home")


def test_passwords_are_made_once_and_differ(home):
    made = home.passwords()

    assert home.passwords() == made
    assert len({made.boot, made.owner, made.app, made.valkey}) == 4
    assert mode(home.path / "state.json") == 0o600


def test_lost_passwords_are_not_replaced_while_there_is_data(home):
    (home.path / "postgres-18").mkdir()
    (home.path / "postgres-18" / "PG_VERSION").write_text("18\n")

    with pytest.raises(ServersError, match=r"state\.json is gone"):
        home.passwords()

    assert not (home.path / "state.json").exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"boot": 1, "more": 2}'])
def test_broken_state_file_is_named_and_kept(home, content):
    (home.path / "state.json").write_text(content)

    with pytest.raises(ServersError, match=r"state\.json cannot be read"):
        home.passwords()

    assert (home.path / "state.json").read_text() == content


def test_lock_is_one_holders_at_a_time(home):
    with home.locked(), pytest.raises(AlreadyRunning), home.locked():
        pass

    with home.locked(), hold(home.path / "lock") as held:
        assert held is False
    with hold(home.path / "lock") as held:
        assert held is True


def test_private_file_is_replaced_as_a_whole(tmp_path):
    write_private(tmp_path / "file", {"old": 1})
    with pytest.raises(TypeError):
        write_private(tmp_path / "file", {"new": object()})

    assert (tmp_path / "file").read_text() == '{\n  "old": 1\n}\n'
    assert mode(tmp_path / "file") == 0o600


def test_root_without_the_account_nobody_is_told_what_to_do(monkeypatch):
    def unknown(name):
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", unknown)

    with pytest.raises(ServersError, match="Start as an ordinary user, or set DATABASE_URL and REDIS_URL"):
        server_account()


def test_ordinary_user_runs_the_servers_himself(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert server_account() is None


def test_ordinary_user_takes_the_programs_where_they_are(home, programs):
    home.account = None

    assert home.reachable_postgres(programs) == programs.bin
    assert home.reachable_valkey(programs.bin / "postgres") == programs.bin / "postgres"
    assert list(home.path.iterdir()) == []


def test_programs_out_of_reach_are_copied_once_with_their_libraries(home, programs):
    home.account = Account(65534, 65534)

    copy = home.reachable_postgres(programs)

    root = copy.parents[1]
    assert copy.is_relative_to(home.path)
    assert [mode(copy / "postgres"), mode(root), mode(root / "package.libs" / "libpq.so")] == [0o755, 0o755, 0o644]
    assert (copy / "link").readlink() == Path("postgres")
    assert not (root / "package" / "include").exists()
    assert mode(programs.root) == 0o700
    inode = (copy / "postgres").stat().st_ino
    assert (home.reachable_postgres(programs) / "postgres").stat().st_ino == inode


def test_newer_programs_are_copied_beside_the_old(home, programs):
    home.account = Account(65534, 65534)
    old = home.reachable_postgres(programs)
    (programs.bin / "postgres").write_text("newer server")

    new = home.reachable_postgres(programs)

    assert [(path / "postgres").read_text() for path in (old, new)] == ["server", "newer server"]


def test_copy_that_was_interrupted_is_made_again(home, programs):
    home.account = Account(65534, 65534)
    copy = home.reachable_valkey(programs.bin / "postgres")
    unfinished = copy.parent.with_suffix(".new")
    copy.parent.rename(unfinished)
    (unfinished / "rubbish").touch()

    again = home.reachable_valkey(programs.bin / "postgres")

    assert again == copy
    assert [path.name for path in again.parent.iterdir()] == ["postgres"]


@as_root
def test_programs_within_reach_are_not_copied(home):
    assert home.reachable_valkey(Path("/bin/sh")) == Path("/bin/sh")
