"""The local PostgreSQL: its cluster, its start and its two roles."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from config.embedded.errors import ServersError
from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.process import Process, stop_predecessor
from config.kernel import privileges

DATABASE = "crypto_risk"
SUPERUSER = "boot"  # known to the supervisor only
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths have a length limit that a deep checkout would meet
    "max_connections": "80",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
START_TIMEOUT = 60.0
# What a start answers while the dead predecessor's processes are still on their way out, or its port is taken.
PASSING_TROUBLE = ("lock file", "pre-existing shared memory block", "could not bind", "Address already in use")


class Postgres:
    """One cluster in a home. `durable=False` gives up crash safety for speed: for servers that are thrown away."""

    def __init__(self, home: Home, programs: Path, major: int, guard: Guard, *, durable: bool) -> None:
        self._home = home
        self._programs = programs
        self._major = major
        passwords = home.passwords()
        self._superuser_password = passwords.boot
        self._target = privileges.Target(DATABASE, owner_password=passwords.owner, app_password=passwords.app)
        self._durable = durable
        self._data = home.path / f"postgres-{major}"
        self._port = free_port()
        self._known = False  # the port, to others
        self.process = Process(
            name="PostgreSQL",
            command=(),
            log=home.path / "postgres.log",
            directory=home.path,
            environment=_clean_environment(home.path),
            guard=guard,
            stop_signal=signal.SIGINT,  # "fast": ends the sessions, keeps the data
            account=home.account,
        )

    @property
    def owner_url(self) -> str:
        """For migrations."""
        return self._url(privileges.OWNER, self._target.owner_password, DATABASE)

    @property
    def app_url(self) -> str:
        """For serving."""
        return self._url(privileges.APP, self._target.app_password, DATABASE)

    @property
    def superuser_url(self) -> str:
        """For tests, which make databases of their own."""
        return self._url(SUPERUSER, self._superuser_password, "postgres")

    def other_versions(self) -> list[Path]:
        """Clusters of other major versions in this home; they are kept and not used."""
        return sorted(
            path.parent for path in self._home.path.glob("postgres-*/PG_VERSION") if path.parent != self._data
        )

    def launch(self) -> None:
        """Make the cluster where there is none and start the server; `wait_until_ready` follows."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        stop_predecessor(self._data / "postmaster.pid", self._data, signal.SIGINT)
        self._start()

    def wait_until_ready(self) -> None:
        """Return when the server answers and has the roles, the database and the grants."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                privileges.prepare(self.superuser_url, self._target)
                self._known = True
                return
            except psycopg.OperationalError as error:
                ended = self.process.exit_code is not None
                said = self.process.said()
                if time.monotonic() > deadline or (ended and not any(word in said for word in PASSING_TROUBLE)):
                    raise ServersError(
                        f"PostgreSQL does not start ({error}). Its log {self.process.log} ends:\n{said}"
                    ) from error
            if ended:
                self.process.stop()
                if not self._known and "could not bind" in said:
                    self._port = free_port()
                self._start()
            time.sleep(0.03)

    def revive(self) -> None:
        """Start again after a crash, on the same port, which others know by now."""
        self.process.stop()
        stop_predecessor(self._data / "postmaster.pid", self._data, signal.SIGINT)
        self._start()
        self.wait_until_ready()

    def _start(self) -> None:
        settings = {**SETTINGS, **({} if self._durable else THROW_AWAY)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process.command = [self._programs / "postgres", "-D", self._data, "-p", str(self._port), *options]
        self.process.start()

    def _initialise(self) -> None:
        unfinished = self._home.path / "unfinished-postgres"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._home.directory(unfinished.name)
        # A file, not a pipe: /dev/stdin of root cannot be opened by the servers' account.
        password_file = unfinished.with_suffix(".password")
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(self._superuser_password)
        self._home.hand_over(password_file)
        builtin = [
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]  # needs no locale of the system
        account = self._home.account
        try:
            done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
                [
                    *(self._programs / "initdb", "-D", unfinished, "-U", SUPERUSER, f"--pwfile={password_file}"),
                    *("-A", "scram-sha-256", "-E", "UTF8", "--data-checksums", "--no-instructions"),
                    *(builtin if self._major >= 17 else ["--locale=C.UTF-8"]),
                    *([] if self._durable else ["--no-sync"]),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=self._home.path,
                env=_clean_environment(self._home.path),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                check=False,
            )
        finally:
            password_file.unlink()
        if done.returncode:
            raise ServersError(f"PostgreSQL's data directory cannot be made:\n{done.stdout.strip()}")
        unfinished.rename(self._data)

    def _url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self._port}/{database}"


def free_port() -> int:
    """A port of the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _clean_environment(home: Path) -> dict[str, str]:
    """The environment without the settings that libpq and the server would take from it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "HOME": str(home), "TZ": "UTC"}
