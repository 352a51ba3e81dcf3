"""Both local servers of one home, from start to stop."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from config.embedded.binaries import find_postgres, find_valkey
from config.embedded.errors import AlreadyRunning, ServersError
from config.embedded.guard import Guard, is_running
from config.embedded.home import Home, write_private
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey

ATTACH_TIMEOUT = 60.0


class Servers:
    """A context in which the servers run. Entering raises `AlreadyRunning` when another process runs this home's.

    Only what is asked for is started; `urls` holds the environment variables that lead there.
    """

    def __init__(
        self,
        home: Home,
        guard: Guard,
        *,
        postgres: bool = True,
        valkey: bool = True,
        durable: bool = True,
        environment: Mapping[str, str] = os.environ,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.home = home
        self.urls: dict[str, str] = {}
        self.superuser_url: str | None = None  # for those who make databases of their own, never for the product
        self._wanted = (postgres, valkey)
        self._guard = guard
        self._durable = durable
        self._environment = environment
        self._say = say
        self._address = address_file(home)
        self._servers: list[Postgres | Valkey] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.home.locked())
            self._address.unlink(missing_ok=True)  # of a supervisor that was killed
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def revive(self) -> list[str]:
        """Start again what has died; returns the names. Raises `ServersError` when one does not come back."""
        dead = [server for server in self._servers if server.process.pid is None]
        for server in dead:
            server.revive()
        return [server.process.name for server in dead]

    def _start(self, stack: contextlib.ExitStack) -> None:
        want_postgres, want_valkey = self._wanted
        # Found before anything is started, so that a missing program is said at once.
        programs = find_postgres(self._environment) if want_postgres else None
        program = find_valkey(self._environment) if want_valkey else None
        if programs:
            postgres = Postgres(
                self.home, self.home.reachable_postgres(programs), programs.major, self._guard, durable=self._durable
            )
            for other in postgres.other_versions():
                self._say(f"{other} is kept: it needs another PostgreSQL version than {programs.major}.")
            stack.callback(postgres.process.stop)
            postgres.launch()
            self._servers.append(postgres)
        if program:
            valkey = Valkey(self.home, self.home.reachable_valkey(program), self._guard, durable=self._durable)
            stack.callback(valkey.process.stop)
            valkey.launch()
            self._servers.append(valkey)
        # Launched together, awaited together.
        if program:
            valkey.wait_until_ready()
            self.urls["REDIS_URL"] = valkey.url
        if programs:
            postgres.wait_until_ready()
            self.urls["DATABASE_URL"] = postgres.app_url
            self.urls["DATABASE_OWNER_URL"] = postgres.owner_url
            self.superuser_url = postgres.superuser_url
        stack.callback(self._address.unlink, missing_ok=True)
        write_private(self._address, {"supervisor": os.getpid(), "urls": self.urls})


def address_file(home: Home) -> Path:
    """Where a supervisor says how to reach its servers, while they are ready."""
    return home.path / "running.json"


def running(home: Home) -> dict[str, str]:
    """The variables that lead to the servers which another process runs in this home; waits while it starts them."""
    deadline = time.monotonic() + ATTACH_TIMEOUT
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            address = json.loads(address_file(home).read_text())
            if is_running(address["supervisor"]):
                urls: dict[str, str] = address["urls"]
                return urls
        with contextlib.suppress(AlreadyRunning), home.locked():
            raise ServersError(f"The servers in {home.path} have just stopped; start again.")
        time.sleep(0.1)
    raise ServersError(f"Another process holds {home.path} but its servers do not come up.")
