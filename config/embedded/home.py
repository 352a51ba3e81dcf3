"""The directory of the local servers: data, passwords, copies of programs, and the lock of its one supervisor."""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from config.embedded.binaries import PostgresPrograms
from config.embedded.errors import AlreadyRunning, ServersError

PRODUCT = "crypto-risk"


@dataclass(frozen=True, slots=True)
class Account:
    """The account that runs the servers where the supervisor is root: PostgreSQL refuses root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Passwords:
    """Made once for a home; they are worth as much as its data."""

    boot: str
    owner: str
    app: str
    valkey: str


class Home:
    """A directory that holds one set of servers.

    As root it and all its parents must be traversable by others, because the servers run as `nobody`; nothing but the
    directory itself is created or changed to make it so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.account = server_account()
        self._make()

    @classmethod
    def of_checkout(cls, repository: Path) -> Self:
        """The development servers of this checkout: under `.local/`, or under /var/tmp as root."""
        repository = repository.resolve()
        if os.geteuid() != 0:
            (repository / ".local").mkdir(mode=0o700, exist_ok=True)
            return cls(repository / ".local" / "servers")
        return cls(Path("/var/tmp") / f"{PRODUCT}-{hashlib.sha256(bytes(repository)).hexdigest()[:12]}")  # noqa: S108 - checked by _make

    @classmethod
    def temporary(cls) -> Self:
        """A new empty directory; whoever made it removes it."""
        parents = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/tmp")]  # noqa: S108 - mkdtemp makes a fresh one
        parent = next((each for each in parents if os.geteuid() != 0 or _reachable(each)), parents[0])
        return cls(Path(tempfile.mkdtemp(prefix=f"{PRODUCT}-", dir=parent)))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home, or raise `AlreadyRunning`. The kernel lets go when the holder dies."""
        with hold(self.path / "lock") as held:
            if not held:
                raise AlreadyRunning(f"The servers in {self.path} are already run by another process.")
            yield

    def passwords(self) -> Passwords:
        """Read from the state file, or made and written to it while there is no data yet."""
        state = self.path / "state.json"
        try:
            return Passwords(**json.loads(state.read_text()))
        except FileNotFoundError:
            if any(self.path.glob("postgres-*/PG_VERSION")):
                raise ServersError(
                    f"{state} is gone, and with it the passwords of the data beside it. Put it back, or move "
                    f"{self.path} away to start with empty servers."
                ) from None
        except (ValueError, TypeError) as error:
            raise ServersError(f"{state} cannot be read ({error}). Repair it, or move {self.path} away.") from error
        fresh = Passwords(*(secrets.token_urlsafe(24) for _ in range(4)))
        write_private(state, asdict(fresh))
        return fresh

    def directory(self, name: str) -> Path:
        """A private directory below the home that belongs to the servers' account."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        self.hand_over(path)
        return path

    def hand_over(self, path: Path) -> None:
        """Give the file or directory to the servers' account."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def reachable_postgres(self, programs: PostgresPrograms) -> Path:
        """The directory of PostgreSQL's programs as the servers' account can use it: theirs, or a copy in the home."""
        if self.account is None or _reachable(programs.bin / "postgres"):
            return programs.bin
        copy = self._copy(f"postgres-{programs.major}", programs.bin / "postgres", programs.root, programs.trees)
        return copy / programs.bin.relative_to(programs.root)

    def reachable_valkey(self, program: Path) -> Path:
        """The server program as the servers' account can use it."""
        if self.account is None or _reachable(program):
            return program
        return self._copy("valkey", program, program.parent, (program,)) / program.name

    def _make(self) -> None:
        root = os.geteuid() == 0
        try:
            with contextlib.suppress(FileExistsError):
                self.path.mkdir(mode=0o700)
            found = self.path.lstat()
        except PermissionError as error:
            raise ServersError(f"{self.path} cannot be used by this user ({error.strerror}).") from error
        # Under /var/tmp anybody could have made the directory first.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise ServersError(f"{self.path} is not a directory of this user alone; move it away and start again.")
        if root:
            self.path.chmod(0o711)
            if not _reachable(self.path):
                raise ServersError(f"The account `nobody`, which runs the servers, cannot reach {self.path}.")

    def _copy(self, name: str, program: Path, root: Path, trees: tuple[Path, ...]) -> Path:
        """A copy of the trees, made once for each version of the program."""
        found = program.stat()
        identity = hashlib.sha256(f"{program} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:12]
        copy = self.path / f"programs-{name}-{identity}"
        if not copy.exists():
            unfinished = copy.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            for tree in trees:
                target = unfinished / tree.relative_to(root)
                if tree.is_dir():
                    shutil.copytree(tree, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
                else:
                    target.parent.mkdir(parents=True)
                    shutil.copy2(tree, target)
            for path in [unfinished, *unfinished.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
            unfinished.rename(copy)
        return copy


def server_account() -> Account | None:
    """`nobody` for root, nothing for an ordinary user. A bare number would not do: initdb wants a name."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ServersError(
            "The servers do not run as root and there is no account `nobody`. Start as an ordinary user, or set "
            "DATABASE_URL and REDIS_URL to servers you have."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


@contextlib.contextmanager
def hold(lock: Path) -> Iterator[bool]:
    """Try to be the one process that holds the lock file; tells whether it is."""
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON that only this user may read; a crash leaves the old file or the new one, never half of one."""
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(unfinished).replace(path)


def _reachable(path: Path) -> bool:
    """Whether any account may read the path: every directory above it lets others through."""
    path = path.resolve()
    wanted = 0o001 if path.is_dir() else 0o005
    return path.stat().st_mode & wanted == wanted and all(parent.stat().st_mode & 0o001 for parent in path.parents)
