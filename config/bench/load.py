"""Requests at full speed over keep-alive connections: by `wrk` where it is installed, else by a loader of our own.

Our own is written in Python and takes a larger share of the machine, so ratios come out lower with it.
"""

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from config.bench.contest import Sample
from config.bench.errors import BenchFailed

CONNECTIONS = 32

# Every request is put together before the clock starts.
_SCRIPT = """
local requests, position = {}, 0
function init(arguments)
  if arguments[2] then wrk.headers["Authorization"] = arguments[2] end
  for path in io.lines(arguments[1]) do requests[#requests + 1] = wrk.format("GET", path) end
end
function request()
  position = position % #requests + 1
  return requests[position]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%f,"p99":%f}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the requests; latencies in milliseconds."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float


def load(port: int, paths: Sequence[str], *, seconds: float, fresh: bool, authorization: str = "") -> Sample:
    """Ask for the paths in turn for some seconds; `fresh` paths must not come a second time.

    Raises `BenchFailed` at any answer but 2xx, and when the fresh paths did not suffice.
    """
    if shutil.which("wrk"):
        tally = _wrk(port, paths, seconds, authorization)
    else:
        tally = asyncio.run(_own(port, paths, seconds, authorization))
    if tally.refused or tally.broken or not tally.requests:
        raise BenchFailed(
            f"port {port}: of {tally.requests} requests {tally.refused} were refused and {tally.broken} broke;"
            f" the first path was {paths[0]}"
        )
    if fresh and tally.requests > len(paths):
        raise BenchFailed(f"port {port}: {tally.requests} requests, but only {len(paths)} fresh paths")
    return Sample(tally.requests, tally.seconds, tally.p50, tally.p99)


def _wrk(port: int, paths: Sequence[str], seconds: float, authorization: str) -> Tally:
    with tempfile.TemporaryDirectory(prefix="bench-load-") as directory:
        script, list_ = Path(directory) / "load.lua", Path(directory) / "paths"
        script.write_text(_SCRIPT)
        list_.write_text("\n".join(paths))
        # One thread: the two sides need the cores more.
        shape = ("-t", "1", "-c", str(CONNECTIONS), "-d", f"{max(1, round(seconds))}s", "--timeout", "20s")
        done = subprocess.run(  # noqa: S603 - our own command
            [
                *("wrk", *shape, "-s", script, f"http://127.0.0.1:{port}", "--", list_),
                *((authorization,) if authorization else ()),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise BenchFailed(f"wrk failed: {done.stdout[-500:]} {done.stderr[-500:]}") from error
    return Tally(
        told["requests"], told["microseconds"] / 1e6, told["refused"], told["broken"], told["p50"], told["p99"]
    )


@dataclass
class _Connection(asyncio.Protocol):
    """One keep-alive connection that sends the next request as soon as an answer is whole."""

    requests: Iterator[bytes]
    until: float
    latencies: list[float]
    ended: asyncio.Future[None]
    refused: int = 0
    broken: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _missing: int = -1  # bytes of the body at hand; -1 while its head is read
    _sent: float = 0.0
    _transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._sent = time.perf_counter()
        if self._sent >= self.until:
            self._transport.close()
        else:
            self._transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._buffer += data
            head, found, body = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self.refused += head[9:10] != b"2"
            # Neither side sends chunks: a body without a length would be a broken answer.
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            self._missing = int(length.partition(b":")[2]) - len(body)
            self._buffer.clear()
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._missing = -1
            self.latencies.append(time.perf_counter() - self._sent)
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self.broken = int(time.perf_counter() < self.until)
        self.ended.set_result(None)


async def _own(port: int, paths: Sequence[str], seconds: float, authorization: str) -> Tally:
    loop = asyncio.get_running_loop()
    credential = f"Authorization: {authorization}\r\n" if authorization else ""
    head = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{credential}\r\n"
    requests = cycle([f"GET {path}{head}".encode() for path in paths])
    latencies: list[float] = []
    started = time.perf_counter()
    connections = [
        _Connection(requests, started + seconds, latencies, loop.create_future()) for _ in range(CONNECTIONS)
    ]
    for connection in connections:
        await loop.create_connection(lambda connection=connection: connection, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait([connection.ended for connection in connections], timeout=seconds + 20)
    elapsed = time.perf_counter() - started
    latencies.sort()
    count = len(latencies)
    return Tally(
        count,
        elapsed,
        sum(connection.refused for connection in connections),
        sum(connection.broken or not connection.ended.done() for connection in connections),
        1_000 * latencies[count // 2] if count else 0.0,
        1_000 * latencies[min(count - 1, count * 99 // 100)] if count else 0.0,
    )
