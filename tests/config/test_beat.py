"""The scheduler against real servers: who sends, what, how often, and what happens when a server is away."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import Task
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import ModelEntry
from kombu.exceptions import OperationalError
from structlog.testing import capture_logs

from accounts.models import Heartbeat
from config import beat
from config.beat import Scheduler
from config.celery import app
from tests.support.cluster import Login
from tests.support.default_connection import default_connection

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
NOWHERE = Login("127.0.0.1", "1", "none", "nobody", "")


@pytest.fixture
def start(committed_db):
    """Start a scheduler; each holds a session of its own, as in a process of its own."""
    app.loader.import_default_modules()
    started = []

    def start() -> Scheduler:
        started.append(Scheduler(app=app))
        return started[-1]

    yield start
    for scheduler in started:
        scheduler.close()


@pytest.fixture
def sent(redis_server):
    """The names of the schedules whose messages are in the queue, oldest first."""

    def sent() -> list[str]:
        messages = [json.loads(message) for message in reversed(redis_server.lrange("default", 0, -1))]
        return [message["headers"]["periodic_task_name"] for message in messages]

    return sent


def every(seconds: int, name: str = "sync", **fields: object) -> PeriodicTask:
    interval, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
    return PeriodicTask.objects.create(
        **{"name": name, "task": "update_market_data", "interval": interval, "kwargs": '{"limit": 1}', **fields}
    )


def daily(hour: int, **fields: object) -> PeriodicTask:
    crontab = CrontabSchedule.objects.create(minute="30", hour=str(hour), timezone="UTC")
    return PeriodicTask.objects.create(name="close", task="update_market_data", crontab=crontab, **fields)


def test_what_is_due_is_sent_once_with_its_arguments(start, sent, redis_server):
    row = every(60, last_run_at=NOON - timedelta(seconds=60))

    with time_machine.travel(NOON, tick=False):
        first, second = (scheduler.tick() for scheduler in [start()] * 2)

    row.refresh_from_db()
    message = json.loads(redis_server.lindex("default", 0))
    assert sent() == ["sync"]
    assert message["headers"]["task"] == "update_market_data"
    assert message["headers"]["kwargsrepr"] == "{'limit': 1}"
    assert (row.last_run_at, row.total_run_count) == (NOON, 1)
    assert (first, second) == (beat.LONGEST_SLEEP, beat.LONGEST_SLEEP)


def test_what_is_not_due_waits_for_its_time(start, sent):
    every(60, last_run_at=NOON - timedelta(seconds=59))

    with time_machine.travel(NOON, tick=False):
        seconds = start().tick()

    assert (sent(), seconds) == ([], 1.0)


def test_a_new_schedule_begins_with_its_first_interval(start, sent):
    with time_machine.travel(NOON, tick=False) as clock:
        every(60)
        scheduler = start()
        scheduler.tick()
        before = sent()
        clock.shift(60)
        scheduler.tick()

    assert (before, sent()) == ([], ["sync"])


@pytest.mark.parametrize("create", [lambda at: every(60, last_run_at=at), lambda at: daily(9, last_run_at=at)])
def test_after_three_hours_asleep_each_schedule_is_sent_once(start, sent, create):
    create(NOON - timedelta(hours=3))
    scheduler = start()

    with time_machine.travel(NOON, tick=False):
        for _ in range(3):
            scheduler.tick()

    assert len(sent()) == 1


def test_a_day_that_was_slept_through_is_made_up_for_at_whatever_hour_it_ends(start, sent):
    daily(3, last_run_at=NOON - timedelta(hours=32.5))

    with time_machine.travel(NOON, tick=False):
        start().tick()

    assert sent() == ["close"]


def test_of_two_the_second_waits_and_sends_nothing(start, sent):
    every(60, last_run_at=NOON - timedelta(hours=1))
    leader, other = start(), start()

    with time_machine.travel(NOON, tick=False):
        leader.tick()
        other.tick()

    assert sent() == ["sync"]
    assert set(Heartbeat.objects.values_list("organ", "beaten_at")) == {("beat", NOON), ("waiting_beat", NOON)}


def test_the_second_takes_over_when_the_session_of_the_first_ends(start, sent, superuser_connection):
    every(60, last_run_at=NOON - timedelta(hours=1))
    leader, other = start(), start()
    with time_machine.travel(NOON, tick=False) as clock:
        leader.tick()
        other.tick()
        superuser_connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        clock.shift(60)
        other.tick()
        leader.tick()  # finds its session gone
        leader.tick()

    assert sent() == ["sync", "sync"]


def test_two_who_believe_that_they_lead_send_once(start, sent):
    every(60, last_run_at=NOON - timedelta(hours=1))
    scheduler = start()
    session = scheduler._leadership.session()
    stale = ModelEntry(PeriodicTask.objects.get(), app=app)

    with time_machine.travel(NOON, tick=False):
        scheduler.tick()
        scheduler._send(stale, session)

    assert sent() == ["sync"]


def test_while_the_broker_is_away_schedules_stay_due(start, sent, monkeypatch):
    row = every(60, last_run_at=NOON - timedelta(seconds=60))
    every(60, "other", last_run_at=NOON - timedelta(seconds=60))
    scheduler = start()

    with time_machine.travel(NOON, tick=False), monkeypatch.context() as away, capture_logs() as logs:
        away.setattr(Task, "apply_async", lambda *_, **__: (_ for _ in ()).throw(OperationalError("refused")))
        scheduler.tick()
        scheduler.tick()
        row.refresh_from_db()
        assert (row.last_run_at, row.total_run_count) == (NOON - timedelta(seconds=60), 0)
        away.undo()
        scheduler.tick()

    assert sent() == ["sync", "other"]
    assert [entry["what"] for entry in logs if entry["event"] == "beat.trouble"] == ["broker"]


def test_while_the_database_is_away_it_waits_and_sends_nothing(start, sent):
    every(60, last_run_at=NOON - timedelta(hours=1))
    scheduler, late = start(), start()

    with time_machine.travel(NOON, tick=False):
        with default_connection(NOWHERE):
            waits = [scheduler.tick(), late.tick()]
        assert (waits, sent()) == ([beat.LONGEST_SLEEP] * 2, [])
        scheduler.tick()

    assert sent() == ["sync"]


def test_a_schedule_that_cannot_be_sent_does_not_silence_the_others(start, sent):
    broken = CrontabSchedule.objects.create(minute="61")
    every(60, "nowhere", last_run_at=NOON - timedelta(hours=1), queue="no_such_queue")
    every(60, "broken", last_run_at=NOON - timedelta(hours=1), crontab=broken, interval=None)
    every(60, "well", last_run_at=NOON - timedelta(hours=1))

    with time_machine.travel(NOON, tick=False), capture_logs() as logs:
        scheduler = start()
        scheduler.tick()
        scheduler.tick()

    assert sent() == ["well"]
    assert [entry["what"] for entry in logs if entry["event"] == "beat.trouble"] == ["nowhere", "broken"]


def test_an_edit_counts_from_the_next_look_on(start, sent):
    row = every(3_600, last_run_at=NOON - timedelta(minutes=10))
    scheduler = start()
    with time_machine.travel(NOON, tick=False):
        scheduler.tick()
        row.interval = IntervalSchedule.objects.create(every=60, period=IntervalSchedule.SECONDS)
        row.save(update_fields=["interval"])
        scheduler.tick()

    assert sent() == ["sync"]


def test_switched_off_it_leads_with_an_empty_schedule(start, sent, settings):
    settings.SCHEDULER_ENABLED = False
    every(60, last_run_at=NOON - timedelta(hours=1))

    with time_machine.travel(NOON, tick=False):
        seconds = start().tick()

    assert (sent(), seconds) == ([], beat.LONGEST_SLEEP)
    assert Heartbeat.objects.get().organ == "beat"


def test_it_starts_without_any_server_and_adds_no_schedules_of_its_own(start):
    with default_connection(NOWHERE):
        Scheduler(app=app)

    start().tick()

    assert not PeriodicTask.objects.exists()


def test_the_configured_scheduler_is_this_one():
    assert app.conf.beat_scheduler == "config.beat:Scheduler"
    assert str(app.timezone) == "UTC"
