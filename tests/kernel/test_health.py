import socket
import threading
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from accounts.actions import heartbeats
from accounts.models import Heartbeat
from config import health
from config.kernel import clock
from tests.accounts.factories import NOON, MailFactory

REFUSING = "redis://127.0.0.1:1/0"


@pytest.fixture
def web():
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def nothing_known_about_migrations(monkeypatch):
    monkeypatch.setattr(health, "_migrated", threading.Event())


@pytest.fixture
def black_hole():
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def hangs(probe, monkeypatch):
    """Make a probe's question last until the test is over."""
    release = threading.Event()
    monkeypatch.setattr(probe, "_ask", lambda: release.wait(30))
    return release


@pytest.mark.django_db
def test_everything_well_is_200_with_latencies(web):
    response = web.get("/health")

    body = response.json()
    assert response.status_code == 200
    assert body["status"] == "ok"
    assert set(body["checks"]) == {"database", "redis", "broker"}
    assert all(check["status"] == "ok" and check["latency_ms"] >= 0 for check in body["checks"].values())
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.parametrize(("setting", "part"), [("REDIS_URL", "redis"), ("CELERY_BROKER_URL", "broker")])
def test_one_part_away_is_503_and_names_it(web, settings, setting, part):
    setattr(settings, setting, REFUSING)

    response = web.get("/health/")

    checks = response.json()["checks"]
    assert response.status_code == 503
    assert checks.pop(part) == {"status": "unavailable", "reason": "unreachable", "latency_ms": None}
    assert {check["status"] for check in checks.values()} == {"ok"}


@pytest.mark.django_db
@pytest.mark.parametrize(("setting", "part"), [("REDIS_URL", "redis"), ("CELERY_BROKER_URL", "broker")])
def test_a_server_that_keeps_silent_is_given_up(web, settings, black_hole, setting, part):
    setattr(settings, setting, black_hole)

    checks = web.get("/health").json()["checks"]

    assert checks[part]["status"] == "unavailable"
    assert checks["database"]["status"] == "ok"


@pytest.mark.usefixtures("committed_db")
def test_whether_the_schedules_run_is_said_and_takes_nobody_out_of_service(web, settings):
    silent = web.get("/health")
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="here:1", at=clock.now())
    running = web.get("/health")
    settings.SCHEDULER_ENABLED = False
    disabled = web.get("/health")

    assert silent.json()["scheduler"] == {"status": "unavailable", "reason": "silent", "latency_ms": None}
    assert [answer.json()["scheduler"]["status"] for answer in (running, disabled)] == ["ok", "disabled"]
    assert [answer.status_code for answer in (silent, running, disabled)] == [200, 200, 200]


@pytest.mark.usefixtures("committed_db")
def test_metrics_tell_of_the_scheduler_and_of_incidents(web):
    page = web.get("/metrics", REMOTE_ADDR="127.0.0.1").content

    assert b'incidents_open{kind="silent_beat"} 0.0' in page


def test_the_answer_does_not_wait_for_what_hangs(web, monkeypatch):
    monkeypatch.setattr(health, "HEALTH_SECONDS", 0.05)
    releases = [hangs(probe, monkeypatch) for probe in health.HEALTH.values()]

    response = web.get("/health")

    assert {check["reason"] for check in response.json()["checks"].values()} == {"timeout"}
    for release in releases:
        release.set()


def test_callers_share_one_question(monkeypatch):
    release = threading.Event()
    ask = Mock(side_effect=lambda: release.wait(30))
    probe = health.Probe(ask)

    first, second = probe.start(), probe.start()
    release.set()

    assert first is second
    assert first.result(30) >= 0
    assert ask.call_count == 1
    assert probe.start() is not first


def test_nothing_about_the_servers_is_told(web, settings, monkeypatch):
    settings.REDIS_URL = "redis://user:canary@canary.invalid:1/0"

    assert b"canary" not in web.get("/health").content


def test_the_time_limits_are_those_promised():
    assert health.HEALTH_SECONDS < 2
    assert health.READY_SECONDS <= 1


def test_being_alive_needs_nobody(web, settings):
    settings.REDIS_URL = REFUSING

    assert web.get("/livez").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_means_that_the_tables_are_those_of_the_code(web):
    response = web.get("/readyz")

    assert response.status_code == 200
    assert set(response.json()["checks"]) == {"database", "redis", "migrations"}


@pytest.mark.django_db
def test_a_database_older_than_the_code_is_not_ready(monkeypatch):
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda self: {})
    with pytest.raises(health.MigrationsPending):
        health.READINESS["migrations"].start().result(30)


@pytest.mark.django_db
def test_pending_migrations_are_called_pending(web, monkeypatch):
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda self: {})

    response = web.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["migrations"]["reason"] == "pending"


@pytest.mark.django_db
def test_migrations_are_looked_up_until_they_are_there(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(connection, "close", lambda: None)
    health.check_migrations()

    with django_assert_num_queries(0):
        health.check_migrations()


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz", "/metrics"])
def test_these_pages_are_only_read(web, path):
    assert web.post(path).status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fd00::7"])
def test_metrics_are_for_the_neighbourhood(web, address):
    web.get("/livez")

    response = web.get("/metrics", REMOTE_ADDR=address)

    assert response.status_code == 200
    assert (
        b'django_http_responses_total_by_status_view_method_total{method="GET",status="200",view="livez"}'
        in response.content
    )


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450::1", "", "unix:"])
def test_metrics_do_not_exist_for_the_rest_of_the_world(web, address):
    assert web.get("/metrics", REMOTE_ADDR=address).status_code == 404


def test_metrics_are_not_shown_through_a_proxy_that_nobody_declared(web):
    forwarded = {"x-forwarded-for": "10.0.0.1"}

    assert web.get("/metrics", REMOTE_ADDR="10.9.9.9", headers=forwarded).status_code == 404


def outbox(response):
    return [
        line.rpartition(" ")[2]
        for name in ("outbox_pending", "outbox_oldest_age_seconds")
        for line in response.content.decode().splitlines()
        if line.startswith(f"{name} ")
    ]


def test_metrics_tell_how_many_mails_wait_and_for_how_long(committed_db, web, time_machine):
    time_machine.move_to(NOON, tick=False)
    assert outbox(web.get("/metrics")) == ["0.0", "0.0"]

    MailFactory.create(created_at=NOON - timedelta(minutes=2))
    MailFactory.create(sent=True, created_at=NOON - timedelta(hours=2))

    assert outbox(web.get("/metrics")) == ["1.0", "120.0"]


def test_metrics_of_the_outbox_are_unknown_while_the_database_hangs(web, monkeypatch):
    monkeypatch.setattr(health, "READY_SECONDS", 0.1)
    release = hangs(health.OUTBOX, monkeypatch)

    response = web.get("/metrics")
    release.set()

    assert (response.status_code, outbox(response)) == (200, ["NaN", "NaN"])
