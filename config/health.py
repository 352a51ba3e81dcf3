"""Is it alive, is it ready, what is wrong: answers for load balancers, orchestrators and people.

Every question to a server has a time limit of its own, and is asked in a thread of its own: a server
that swallows packets delays an answer by the limit and no more.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from http import HTTPStatus
from ipaddress import ip_address
from typing import cast

import redis
import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView
from kombu import Connection
from prometheus_client import CollectorRegistry, generate_latest
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.metrics import Standing
from accounts.models import Mail
from accounts.queries.scheduler import Condition, scheduler
from accounts.vital_signs import VitalSigns
from config.kernel import clock
from config.kernel.addresses import UNKNOWN, client_address, is_believed
from config.kernel.metrics import OUTBOX_OLDEST_AGE, OUTBOX_PENDING
from config.kernel.rendering import json_response

log = structlog.get_logger(__name__)

HEALTH_SECONDS = 1.5
READY_SECONDS = 1.0
_SERVER_SECONDS = 1.0

STANDING = CollectorRegistry()
"""What no process counts, because the database knows it: asked at each scrape."""
STANDING.register(Standing())
STANDING.register(VitalSigns())


class Probe:
    """One question to one server. Callers that come while it is being asked wait for the same answer, so
    a server that hangs never holds more than one thread."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._running: Future[float] | None = None

    def start(self) -> Future[float]:
        """The answer to come: how many seconds it took, or the exception."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                threading.Thread(target=self._answer, args=(self._running,), name="health", daemon=True).start()
            return self._running

    def _answer(self, future: Future[float]) -> None:
        started = time.perf_counter()
        try:
            self._ask()
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(time.perf_counter() - started)


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def _redis() -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_SERVER_SECONDS,
        socket_connect_timeout=_SERVER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    finally:
        client.close()


def _broker() -> None:
    limits = {"socket_timeout": _SERVER_SECONDS, "socket_connect_timeout": _SERVER_SECONDS}
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=_SERVER_SECONDS, transport_options=limits) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, reraise_as_library_errors=False)


class MigrationsPending(Exception):
    """The database is older than the code."""


_migrated = threading.Event()


def check_migrations() -> None:
    """Raises `MigrationsPending` where the database lacks a migration of this code."""
    # The code of a process does not change, so once its migrations are there they stay there.
    if _migrated.is_set():
        return
    try:
        loader = MigrationLoader(connection)
        if any(key not in loader.applied_migrations for key in loader.graph.nodes):
            raise MigrationsPending
    finally:
        connection.close()
    _migrated.set()


class SchedulerSilent(Exception):
    """Nothing is sent by itself at the moment."""


def _scheduler() -> None:
    try:
        if scheduler(clock.now()).condition is Condition.SILENT:
            raise SchedulerSilent
    finally:
        connection.close()


HEALTH: Mapping[str, Probe] = {"database": Probe(_database), "redis": Probe(_redis), "broker": Probe(_broker)}
SCHEDULER = Probe(_scheduler)
READINESS: Mapping[str, Probe] = {
    "database": HEALTH["database"],
    "redis": HEALTH["redis"],
    "migrations": Probe(check_migrations),
}


def _measure_outbox() -> None:
    try:
        pending, oldest = Mail.objects.backlog()
    finally:
        connection.close()
    OUTBOX_PENDING.set(pending)
    OUTBOX_OLDEST_AGE.set((clock.now() - oldest).total_seconds() if oldest else 0)


OUTBOX = Probe(_measure_outbox)


def _ask(probes: Mapping[str, Probe], seconds: float, beside: Mapping[str, Probe] | None = None) -> HttpResponse:
    """Ask all at once and answer after `seconds` at the latest: 200 if everything is well, else 503.

    What is asked `beside` is told, but does not count: this process serves without it.
    """
    deadline = time.monotonic() + seconds
    aside = {name: probe.start() for name, probe in (beside or {}).items()}
    futures = {name: probe.start() for name, probe in probes.items()}
    checks = {name: _outcome(name, future, deadline) for name, future in futures.items()}
    is_well = all(check["status"] == "ok" for check in checks.values())
    return json_response(
        {
            "status": "ok" if is_well else "unavailable",
            "checks": checks,
            **{name: _outcome(name, future, deadline) for name, future in aside.items()},
            "checked_at": clock.now(),
        },
        HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE,
        {"Cache-Control": "no-store"},
    )


def _outcome(name: str, future: Future[float], deadline: float) -> dict[str, object]:
    # What a driver says names hosts and users: it goes to the log, the answer only says what kind of failure it was.
    try:
        seconds = future.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeout:
        reason = "timeout"
    except MigrationsPending:
        reason = "pending"
    except SchedulerSilent:
        reason = "silent"
    except Exception as error:
        log.warning("health.check_failed", check=name, error=type(error).__name__, reason=str(error))
        reason = "unreachable"
    else:
        is_off = name == "scheduler" and not settings.SCHEDULER_ENABLED
        return {"status": "disabled" if is_off else "ok", "latency_ms": round(seconds * 1_000, 1)}
    return {"status": "unavailable", "reason": reason, "latency_ms": None}


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """GET /health: database, Redis and broker, each with its latency; and whether the schedules run.

    A silent scheduler is no reason to take a web process from its clients, so it does not make the answer a 503.
    """
    return _ask(HEALTH, HEALTH_SECONDS, beside={"scheduler": SCHEDULER})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """GET /readyz: whether this process may be sent requests; within a second."""
    return _ask(READINESS, READY_SECONDS)


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """GET /livez: whether this process answers at all; touches no other server."""
    return json_response({"status": "ok"}, headers={"Cache-Control": "no-store"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics: for a Prometheus in the same network; does not exist for anybody else."""
    if not _is_neighbour(request):
        raise Http404
    try:
        OUTBOX.start().result(READY_SECONDS)
    except Exception as error:
        log.warning("metrics.outbox_unknown", error=type(error).__name__)
        OUTBOX_PENDING.set(math.nan)
        OUTBOX_OLDEST_AGE.set(math.nan)
    response = cast("HttpResponse", ExportToDjangoView(request))
    response.write(generate_latest(STANDING))
    return response


def _is_neighbour(request: HttpRequest) -> bool:
    address = client_address(request)
    return address != UNKNOWN and ip_address(address).is_private and is_believed(request)
