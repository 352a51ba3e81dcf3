"""One run of the benchmark: the suites one after the other, each on a database of its own."""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from redis import Redis

from config.bench import api, auth, ingest, jobs, panel, risk
from config.bench.contest import Attempts, Result, hold
from config.bench.database import Database, empty_redis, settings_of, temporary_database
from config.bench.processor import Meter, is_program
from config.bench.report import lines
from config.bench.stage import Stage, Suite
from config.embedded.guard import Guard

SUITES: Mapping[str, Suite] = {
    "ingest": ingest.contests,
    "api": api.contests,
    "panel": panel.contests,
    "auth": auth.contests,
    "jobs": jobs.contests,
    "risk": risk.contests,
}


def run(
    names: Sequence[str], *, superuser_url: str, redis_url: str, rounds: int, is_quick: bool, say: Callable[[str], None]
) -> tuple[dict[str, list[Result]], dict[str, Any]]:
    """The results by suite, and how PostgreSQL was set. Raises `BenchFailed`; nothing stays behind either way."""
    results: dict[str, list[Result]] = {}
    settings: dict[str, Any] = {}
    attempts = Attempts()
    with Guard() as guard, tempfile.TemporaryDirectory(prefix="bench-") as directory, empty_redis(redis_url) as redis:
        guard.remove_afterwards(Path(directory))
        for name in names:
            say(f"--- {name}")
            with temporary_database(superuser_url) as database:
                settings = {"postgres": settings_of(database)}
                meter = Meter(lambda database=database: _servers(database, redis))  # type: ignore[misc]
                stage = Stage(database, redis, guard, Path(directory), is_quick, say)
                with SUITES[name](stage) as contests:
                    results[name] = []
                    for contest in contests:
                        say(f"{contest.name}")
                        result = hold(contest, rounds=rounds, meter=meter, attempts=attempts, say=say)
                        results[name].append(result)
                        for line in lines(result):
                            say(line)
            redis.flushdb()
    return results, settings


def _servers(database: Database, redis: Redis) -> Iterable[int]:
    """The processes of PostgreSQL that work on our database or for all, and Redis, if they run on this machine."""
    with database.connect() as connection:
        backends = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s OR backend_type <> 'client backend'", [database.name]
        )
        pids = [pid for (pid,) in backends if is_program(pid, "postgres")]
    pid = redis.info("server")["process_id"]
    return [*pids, pid] if is_program(pid, "redis-server", "valkey-server") else pids
