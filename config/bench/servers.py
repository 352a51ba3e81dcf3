"""HTTP servers as children of the benchmark, on free ports of the loopback interface."""

import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from config.bench.errors import BenchFailed
from config.bench.stage import Stage
from config.embedded.process import Process
from config.launcher import children
from config.settings.environment import BASE_DIR

WORKERS = 2
READY_SECONDS = 60.0
QUOTA = 1_000_000_000  # requests a minute: the limiter counts, and lets everything through


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    name: str
    port: int

    def get(self, path: str, *, authorization: str = "") -> bytes:
        """The body of a GET; raises `BenchFailed` for anything but 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            raise BenchFailed(f"{self.name} does not answer {path}: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise BenchFailed(
                f"{self.name} answers {path} with {response.status}: {body[:500].decode(errors='replace')}"
            )
        return body


@contextmanager
def product(stage: Stage, *, snapshot: bool = True) -> Iterator[Server]:
    """The product as `make run` serves it, with a quota that nobody reaches; without `snapshot` from PostgreSQL."""
    environment = {
        "DATABASE_URL": stage.database.url,
        "DATABASE_POOL": "true",
        "RATE_LIMIT_PER_MINUTE": str(QUOTA),
        "MARKET_SNAPSHOT": str(snapshot).lower(),
        "LOG_LEVEL": "INFO",
    }
    port = free_port()
    name = "product" if snapshot else "product without snapshot"
    with _running(
        stage, name, children.web(port), port, environment, ready="/api/v1/cryptocurrencies/?limit=1"
    ) as server:
        yield server


@contextmanager
def fastapi(stage: Stage, module: str, name: str, *, ready: str) -> Iterator[Server]:
    """A FastAPI application of tests/performance/peers under uvicorn (uvloop, httptools), without an access log."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", f"tests.performance.peers.{module}:app", "--workers", str(WORKERS)),
        *("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"),
    ]
    with _running(stage, name, command, port, {"PEER_DATABASE_URL": stage.database.url}, ready=ready) as server:
        yield server


@contextmanager
def django_hello(stage: Stage) -> Iterator[Server]:
    """Django's floor: one view without any middleware."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "granian", "tests.performance.peers.django_hello:application", "--interface", "wsgi"),
        *("--no-ws", "--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)),
    ]
    with _running(stage, "Django hello", command, port, {}, ready="/") as server:
        yield server


@contextmanager
def _running(
    stage: Stage, name: str, command: Sequence[str], port: int, environment: Mapping[str, str], *, ready: str
) -> Iterator[Server]:
    process = Process(
        name=name,
        command=command,
        log=stage.directory / f"{name}.log",
        directory=BASE_DIR,
        environment={**os.environ, **environment},
        guard=stage.guard,
    )
    process.start()
    try:
        server = Server(name, port)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                server.get(ready)
                break
            except BenchFailed as failure:
                if process.pid is None or time.monotonic() > deadline:
                    raise BenchFailed(f"{name} does not start: {process.said() or failure}") from failure
                time.sleep(0.1)
        yield server
    finally:
        process.stop()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
