"""The whole product on servers of its own, where everything may be killed."""

import contextlib
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import psycopg
from redis import Redis

from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.postgres import free_port
from config.embedded.servers import Servers
from config.launcher import children
from config.launcher.children import Child
from tests.support.processes import eventually

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Plant:
    """Servers that write to disk as in earnest, and the processes of the product that were asked for."""

    servers: Servers
    guard: Guard
    directory: Path
    settings_module: str
    _children: dict[str, Child] = field(default_factory=dict)
    web_port: int = field(default_factory=free_port)

    @property
    def environment(self) -> Mapping[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "COV_"))}
        return {
            **clean,
            **self.servers.urls,
            "DJANGO_SETTINGS_MODULE": self.settings_module,
            "RATE_LIMIT_PER_MINUTE": "1000000",
            "SYNC_RATE_LIMIT_PER_MINUTE": "1000000",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def redis_url(self) -> str:
        return self.servers.urls["REDIS_URL"]

    def worker(self, name: str = "a") -> Child:
        """A worker of this name that is ready for messages, started unless it runs."""
        known = self._children.get(name)
        if known is not None and known.process.pid is not None:
            return known
        child = self.start_worker(name)
        eventually(lambda: self.is_ready(child), 60)
        return child

    def lone_worker(self, name: str = "a") -> Child:
        """The same with no other worker beside it: whatever is sent is its own to take."""
        for other, child in self._children.items():
            if other not in (name, "beat", "web"):
                child.process.stop()
        return self.worker(name)

    def start_worker(self, name: str) -> Child:
        """The same without waiting for it."""
        return self._running(name, [*children.worker(), "--hostname", f"{name}@plant"])

    def is_ready(self, child: Child) -> bool:
        """Whether a worker that has just been started waits for messages."""
        return child.process.pid is not None and "@plant ready." in child.process.said()

    def beat(self) -> Child:
        return self._running("beat", children.beat())

    def web(self) -> Child:
        """The web server at `web_port`; whether it is ready is another question."""
        return self._running("web", children.web(self.web_port), {"DATABASE_POOL": "true"})

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Message, float]:
        """Status, headers and seconds of an answer of the web server; status 0 for none."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.web_port}{path}", headers=dict(headers or {}))
        started = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # http on the loopback
                status, found = answer.status, answer.headers
        except urllib.error.HTTPError as error:
            status, found = error.code, error.headers
        except OSError:
            status, found = 0, Message()
        return status, found, time.monotonic() - started

    def worker_of(self, pid: int) -> Child:
        """The worker to which a process of its pool belongs."""
        group = os.getpgid(pid)
        return next(child for child in self._children.values() if child.process.pid == group)

    def kill_postgres(self) -> None:
        """As a loss of power: the server and all its sessions at once."""
        with psycopg.connect(self.servers.superuser_url or "") as connection:
            row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        assert row
        os.kill(int(row[0].splitlines()[0]), signal.SIGKILL)

    def kill_valkey(self) -> None:
        with Redis.from_url(self.redis_url) as client:
            os.kill(client.info("server")["process_id"], signal.SIGKILL)

    def truncate_log_of_valkey(self, size: int) -> None:
        """Lose the last bytes that it had not written yet."""
        log = max(self.directory.rglob("*.incr.aof"), key=lambda file: file.stat().st_mtime)
        os.truncate(log, max(0, log.stat().st_size - size))

    def revive_servers(self) -> None:
        """Start again what was killed."""
        self.servers.revive()

    def stop(self) -> None:
        for child in self._children.values():
            if child.process.pid is not None:
                os.killpg(child.process.pid, signal.SIGCONT)  # it may be frozen
            child.process.stop()

    def _running(self, name: str, command: list[str], more: Mapping[str, str] | None = None) -> Child:
        child = self._children.get(name)
        if child is None or child.process.pid is None:
            child = self._children[name] = Child(
                name,
                command,
                logs=self.directory,
                directory=ROOT,
                environment={**self.environment, **(more or {})},
                guard=self.guard,
                patience=30,
            )
            child.start(time.monotonic())
        return child


@contextlib.contextmanager
def plant(settings_module: str) -> Iterator[Plant]:
    """A plant without processes yet; everything is gone afterwards."""
    with Guard() as guard:
        home = Home.temporary()
        guard.remove_afterwards(home.path)
        with Servers(home, guard, durable=True) as servers:
            built = Plant(servers, guard, home.path, settings_module)
            try:
                yield built
            finally:
                built.stop()
