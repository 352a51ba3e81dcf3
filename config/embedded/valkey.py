"""The local Redis-compatible server: cache, counters and the transport of the jobs."""

import os
import signal
import time
from pathlib import Path

import redis

from config.embedded.errors import ServersError
from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.postgres import START_TIMEOUT, free_port
from config.embedded.process import Process, stop_predecessor


class Valkey:
    """One server in a home; `durable=False` leaves writing to disk to the operating system."""

    def __init__(self, home: Home, program: Path, guard: Guard, *, durable: bool) -> None:
        self._home = home
        self._password = home.passwords().valkey
        self._durable = durable
        self._data = home.directory("valkey")
        self._port = free_port()
        self._known = False  # the port, to others
        configuration = home.path / "valkey.conf"
        self.process = Process(
            name="Valkey",
            command=[program, configuration],
            log=home.path / "valkey.log",
            directory=self._data,
            environment={**os.environ, "LC_ALL": "C"},
            guard=guard,
            account=home.account,
        )
        self._configuration = configuration

    @property
    def url(self) -> str:
        """Scheme `redis`, which every client knows."""
        return f"redis://default:{self._password}@127.0.0.1:{self._port}/0"

    def launch(self) -> None:
        """Start the server; `wait_until_ready` follows."""
        stop_predecessor(self._data / "server.pid", self._data, signal.SIGTERM)
        self._configure()
        self.process.start()

    def wait_until_ready(self) -> None:
        """Return when the server answers and has read its data."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                with redis.Redis.from_url(self.url, socket_timeout=3) as client:
                    client.ping()
                self._known = True
                return
            except (redis.ConnectionError, redis.TimeoutError, redis.AuthenticationError) as error:
                ended = self.process.exit_code is not None
                said = self.process.said()
                port_taken = "already in use" in said
                if time.monotonic() > deadline or (ended and not port_taken):
                    raise ServersError(
                        f"Valkey does not start ({error}). Its log {self.process.log} ends:\n{said}"
                    ) from error
            if ended:
                self.process.stop()
                if not self._known:
                    self._port = free_port()
                self._configure()
                self.process.start()
            time.sleep(0.02)

    def revive(self) -> None:
        """Start again after a crash, on the same port, which others know by now."""
        self.process.stop()
        self.launch()
        self.wait_until_ready()

    def _configure(self) -> None:
        # A file, because everybody may read a command line.
        self._configuration.unlink(missing_ok=True)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(
            "\n".join(
                [
                    "bind 127.0.0.1",
                    f"port {self._port}",
                    f'dir "{self._data}"',
                    f'pidfile "{self._data / "server.pid"}"',
                    f"requirepass {self._password}",
                    "appendonly yes",
                    f"appendfsync {'everysec' if self._durable else 'no'}",
                    'save ""',
                    "maxmemory-policy noeviction",
                    "",
                ]
            )
        )
        self._home.hand_over(self._configuration)
