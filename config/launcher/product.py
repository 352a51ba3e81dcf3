"""The running product: servers, preparation, children, and the watch over them."""

import contextlib
import os
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from config.embedded.errors import ServersError
from config.embedded.given import Given
from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.servers import Servers
from config.launcher import children
from config.launcher.children import Child
from config.launcher.preparation import Preparation
from config.launcher.state import Address, Logins, State

READY_TIMEOUT = 120.0
TICK = 0.25  # seconds between two looks at the children
LARGEST_LOG = 20_000_000  # bytes that a log may have before a new one is begun at the start
PORTS_TRIED = 100


class StopRequested(Exception):
    """Somebody pressed Ctrl-C or sent a signal."""


class Product:
    """One `make run`, from start to stop. The caller holds the checkout's run lock."""

    def __init__(self, repository: Path, state: State, given: Given, say: Callable[[str], None]) -> None:
        self._repository = repository
        self._state = state
        self._given = given
        self._say = say

    def run(self) -> None:
        """Serve until a signal asks to stop. Raises `ServersError` when the product cannot be had."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(_stop_on_signals())
            with contextlib.suppress(StopRequested):
                self._serve(stack)
            self._say("Stopping")
        self._say("Stopped.")

    def _serve(self, stack: contextlib.ExitStack) -> None:
        for log in self._state.logs.glob("*.log"):
            if log.stat().st_size > LARGEST_LOG:
                log.replace(log.with_suffix(".log.1"))
        guard = stack.enter_context(Guard())
        servers = self._servers(stack, guard)
        urls = servers.urls if servers else {}
        environment = self._environment(urls)
        database_url = environment.get("DATABASE_URL") or self._given.get("DATABASE_URL") or ""
        owner_url = urls.get("DATABASE_OWNER_URL") or self._given.get("DATABASE_OWNER_URL") or database_url
        demo = environment["DEMO"] == "true"
        preparation = Preparation(self._repository, self._state.logs / "setup.log", self._say)
        made = preparation.run(environment, owner_url=owner_url, demo=demo)
        logins = self._state.remember(made) if demo else {}
        port = free_web_port(int(self._given.get("PORT") or 8000))
        started = self._start_children(stack, guard, environment, port)
        base_url = f"http://127.0.0.1:{port}"
        self._wait_until_ready(base_url, started)
        redis_url = environment.get("REDIS_URL") or self._given.get("REDIS_URL") or ""
        stack.callback(self._state.withdraw)
        self._state.publish(Address(base_url, database_url, redis_url, owner_url, logins))
        self._welcome(base_url, logins)
        if demo:
            preparation.ask_for_scores(environment)
        self._watch(servers, started)

    def _servers(self, stack: contextlib.ExitStack, guard: Guard) -> Servers | None:
        needs_postgres = self._given.get("DATABASE_URL") is None
        needs_valkey = self._given.get("REDIS_URL") is None
        names = [name for name, needed in (("PostgreSQL", needs_postgres), ("Valkey", needs_valkey)) if needed]
        if not names:
            return None
        self._say(f"Starting {' and '.join(names)}")
        home = Home.of_checkout(self._repository)
        return stack.enter_context(Servers(home, guard, postgres=needs_postgres, valkey=needs_valkey, say=self._say))

    def _environment(self, urls: dict[str, str]) -> dict[str, str]:
        """What every process of the product is told; only the migrations learn the owner's address."""
        production = (self._given.get("ENVIRONMENT") or "").lower() in {"production", "prod", "staging"}
        environment = {
            **{name: value for name, value in os.environ.items() if value},
            **self._state.secrets(self._given),
            **urls,
            "DEMO": str(self._given.is_on("DEMO", default=not production)).lower(),
            "PYTHONUNBUFFERED": "1",
        }
        if urls:
            environment["EMBEDDED_SERVERS"] = "true"
        environment.pop("DATABASE_OWNER_URL", None)
        return environment

    def _start_children(
        self, stack: contextlib.ExitStack, guard: Guard, environment: dict[str, str], port: int
    ) -> list[Child]:
        shutil.rmtree(self._state.metrics, ignore_errors=True)  # counts of processes that are gone
        self._state.metrics.mkdir(mode=0o700)
        environment = {**environment, "PROMETHEUS_MULTIPROC_DIR": str(self._state.metrics)}
        if self._given.get("PUBLIC_BASE_URL") is None:
            environment["PUBLIC_BASE_URL"] = f"http://localhost:{port}"  # links in mails find this very server
        # The stack stops them in the opposite order: beat, web, worker, and then the servers.
        wanted = [
            ("worker", children.worker(), environment, 20.0),
            ("web", children.web(port), {**environment, "PORT": str(port), "DATABASE_POOL": "true"}, 10.0),
        ]
        if self._given.is_on("SCHEDULER_ENABLED", default=True):
            wanted.append(("beat", children.beat(), environment, 5.0))
        self._say("Starting " + ", ".join(name for name, *_ in wanted))
        started = []
        for name, command, variables, patience in wanted:
            child = Child(
                name,
                command,
                logs=self._state.logs,
                directory=self._repository,
                environment=variables,
                guard=guard,
                patience=patience,
            )
            stack.callback(child.process.stop)
            child.start(time.monotonic())
            started.append(child)
        return started

    def _wait_until_ready(self, base_url: str, started: list[Child]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        trouble = "no answer"
        while time.monotonic() < deadline:
            for child in started:
                if child.process.pid is None:
                    raise ServersError(
                        f"{child.name} does not start; {child.process.log} ends:\n{child.process.said()}"
                    )
            try:
                with urllib.request.urlopen(f"{base_url}/readyz", timeout=5):  # noqa: S310 - http on the loopback
                    return
            except urllib.error.HTTPError as error:
                trouble = f"status {error.code}"
            except OSError as error:
                trouble = str(error)
            time.sleep(TICK)
        raise ServersError(f"The product is not ready after {READY_TIMEOUT:.0f} s ({trouble}); see {self._state.logs}.")

    def _welcome(self, base_url: str, logins: Logins) -> None:
        self._say(f"\nReady.\n  API    {base_url}/\n  Docs   {base_url}/docs\n  Admin  {base_url}/admin/")
        for role, login in logins.items():
            self._say(f"  {role:<10} {login['username']:<20} {login['password']}")
        self._say(f"  Logs   {self._state.logs}\nCtrl-C stops everything.")

    def _watch(self, servers: Servers | None, started: list[Child]) -> None:
        while True:
            for name in servers.revive() if servers else ():
                self._say(f"{name} ended unexpectedly and has been started again")
            for child in started:
                child.tend(time.monotonic(), self._say)
            time.sleep(TICK)


def free_web_port(first: int) -> int:
    """`first`, or the next port of the loopback interface that nobody listens on."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with socket.socket() as client, contextlib.suppress(OSError):
            client.settimeout(1)
            client.connect(("127.0.0.1", port))
            continue  # somebody answers, perhaps on all interfaces
        with socket.socket() as probe:
            # Connections of a server that has just ended do not count, a server that listens does.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise ServersError(f"No port is free from {first} on; choose another with PORT.")


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[None]:
    """Turn the first signal that asks for an end into `StopRequested`; the stop itself is not interrupted again."""
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise StopRequested

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
