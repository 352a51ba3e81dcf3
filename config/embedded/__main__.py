"""`python -m config.embedded with [--temporary [--durable]] -- COMMAND...`: run a command beside local servers.

With `--temporary` the servers are new, in a directory that is removed afterwards, and do not wait for the disk unless
`--durable` says so. Otherwise they are the development servers of this checkout, and the command joins them where they
are already running. A server that DATABASE_URL or REDIS_URL names is used and not started here.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from config.embedded.errors import AlreadyRunning, ServersError
from config.embedded.given import Given
from config.embedded.guard import Guard
from config.embedded.home import Home
from config.embedded.servers import Servers, running

REPOSITORY = Path(__file__).resolve().parents[2]
URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the command's exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded")
    verbs = parser.add_subparsers(required=True)
    with_ = verbs.add_parser(
        "with", help="run a command beside local servers", usage="%(prog)s [--temporary] -- COMMAND..."
    )
    with_.add_argument("--temporary", action="store_true", help="new servers, thrown away afterwards")
    with_.add_argument("--durable", action="store_true", help="write to disk like servers that are kept")
    with_.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        with_.error("a command is missing")
    # Before anything is started: a stop that arrives early must not leave the servers to the guard.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with contextlib.ExitStack() as stack:
            durable = options.durable or not options.temporary
            urls = _servers(stack, temporary=options.temporary, durable=durable)
            return _run(command, {**os.environ, **urls})
    except ServersError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _servers(stack: contextlib.ExitStack, *, temporary: bool, durable: bool) -> dict[str, str]:
    # Tests make and drop databases, so only a server named on the very command line may be theirs.
    given = Given.to_process() if temporary else Given.to_checkout(REPOSITORY)
    urls = {name: url for name in URLS if (url := given.get(name))}
    needs_postgres, needs_valkey = "DATABASE_URL" not in urls, "REDIS_URL" not in urls
    if temporary and not needs_postgres:
        urls["TEST_SUPERUSER_URL"] = urls["DATABASE_URL"]
    if not (needs_postgres or needs_valkey):
        return urls
    guard = stack.enter_context(Guard())
    if temporary:
        home = Home.temporary()
        guard.remove_afterwards(home.path)
    else:
        home = Home.of_checkout(REPOSITORY)
    servers = Servers(home, guard, postgres=needs_postgres, valkey=needs_valkey, durable=durable, say=_say)
    try:
        started = stack.enter_context(servers).urls
    except AlreadyRunning:
        started = running(home)
    if temporary and servers.superuser_url:
        urls["TEST_SUPERUSER_URL"] = servers.superuser_url
    # What is given wins: the running servers may be more than what was asked for.
    return {**started, **urls, "EMBEDDED_SERVERS": "true"}


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The command's exit code, or 128 + the number of the signal that ended it."""
    # Ctrl-C in a terminal reaches the command by itself; sent twice it would cut short its orderly end.
    from_terminal = sys.stdin is not None and sys.stdin.isatty()
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif not (number == signal.SIGINT and from_terminal):
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    try:
        child = subprocess.Popen(command, env=environment)  # noqa: S603 - the caller's command
    except OSError as error:
        raise ServersError(f"{command[0]} cannot be run: {error}") from error
    for early_number in early:
        child.send_signal(early_number)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
