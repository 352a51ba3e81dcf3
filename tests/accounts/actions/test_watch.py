"""The look at everything: an incident for each trouble, once, and closed when it is over."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from structlog.testing import capture_logs

from accounts.actions import canaries, heartbeats, watch
from accounts.models import AuditEntry, Heartbeat, Incident, Job
from accounts.queries import troubles
from accounts.tasks import answer_canary, look_after_incidents
from tests.accounts.factories import NOON, JobFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def beat():
    """A scheduler that lives, until a test says otherwise."""
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="here:1", at=NOON + timedelta(days=1))


def open_incidents():
    return list(Incident.objects.open().order_by("kind", "subject").values_list("kind", "subject", "severity"))


def look(at=NOON):
    watch.look(at=at)
    return open_incidents()


def waiting(minutes, **fields):
    return JobFactory.create(run_after=NOON - minutes * MINUTE, **fields)


def test_when_all_is_well_there_is_no_incident():
    waiting(4)
    JobFactory.create(succeeded=True)

    assert look() == []
    assert not AuditEntry.objects.exists()


def test_a_job_that_waits_for_too_long_makes_its_queue_old_until_somebody_takes_it():
    job = waiting(6, queue="maintenance")

    during = look()
    again = look(NOON + MINUTE)
    Job.objects.filter(pk=job.pk).delete()
    after = look(NOON + 2 * MINUTE)

    assert (during, again, after) == ([("old_queue", "maintenance", "warning")], during, [])
    incident = Incident.objects.get()
    assert (incident.opened_at, incident.last_seen_at, incident.closed_at) == (NOON, NOON + MINUTE, NOON + 2 * MINUTE)
    assert incident.summary == "1 job waited for more than 5 minutes in the queue maintenance."
    assert AuditEntry.objects.about(incident).verbs() == ["accounts.incident.opened", "accounts.incident.closed"]


def test_a_job_whose_time_has_not_come_does_not_wait():
    JobFactory.create(run_after=NOON + MINUTE, created_at=NOON - 60 * MINUTE)

    assert look() == []


def test_dead_jobs_are_one_incident_for_their_kind_until_they_are_tried_again_or_a_day_has_passed():
    first, second = JobFactory.create(dead=True), JobFactory.create(dead=True)

    during = look(NOON + MINUTE)
    incident = Incident.objects.get()
    Job.objects.filter(pk=first.pk).update(state="retrying", finished_at=None, max_attempts=6)
    one_left = look(NOON + 2 * MINUTE)
    next_day = look(NOON + timedelta(hours=24))

    assert (during, one_left, next_day) == ([("dead_job", "update_market_data", "critical")], during, [])
    assert incident.summary == "2 jobs of the kind update_market_data used up all attempts."
    assert set(incident.details["jobs"]) == {str(first.pk), str(second.pk)}


@pytest.mark.parametrize(("failed", "succeeded", "expected"), [(4, 6, []), (5, 5, ["work"]), (5, 0, ["work"])])
def test_a_kind_of_which_half_of_the_latest_jobs_failed_is_failing(failed, succeeded, expected):
    JobFactory.create_batch(20, kind="work", failed=True, finished_at=NOON - 60 * MINUTE) if succeeded else None
    JobFactory.create_batch(failed, kind="work", failed=True)
    JobFactory.create_batch(succeeded, kind="work", succeeded=True)
    JobFactory.create_batch(9, kind="work", cancelled=True)
    JobFactory.create_batch(9, kind="other", succeeded=True)

    assert [subject for kind, subject, _ in look(NOON + MINUTE)] == expected


def test_failures_of_long_ago_are_forgotten():
    JobFactory.create_batch(9, failed=True)

    assert look(NOON + timedelta(hours=24)) == []


def test_a_beat_that_falls_silent_is_an_incident_until_another_one_ticks():
    Heartbeat.objects.update(beaten_at=NOON)

    well, silent = look(NOON + MINUTE), look(NOON + MINUTE + SECOND)
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="elsewhere:2", at=NOON + 2 * MINUTE)

    assert (well, silent) == ([], [("silent_beat", "beat", "critical")])
    assert look(NOON + 2 * MINUTE) == []


def test_a_scheduler_that_is_switched_off_is_not_silent(settings):
    settings.SCHEDULER_ENABLED = False
    Heartbeat.objects.all().delete()

    assert look() == []


def watch_on(minutes):
    """Look every half minute, as the schedule does."""
    for half in range(1, 2 * minutes + 1):
        watch.look(at=NOON + half * MINUTE / 2)


def test_a_queue_that_does_not_answer_is_deaf_after_five_minutes():
    look()
    for queue in set(Job.Queue.values) - {"maintenance"}:
        canaries.answer(queue, worker="celery@here", at=NOON + 9 * MINUTE)

    watch_on(5)
    well = open_incidents()
    watch_on(6)

    assert (well, open_incidents()) == ([], [("deaf_queue", "maintenance", "critical")])


def test_a_queue_that_does_not_answer_is_heard_of_again_when_a_worker_answers():
    look()
    watch_on(6)
    assert len(open_incidents()) == len(Job.Queue.values)

    for queue in Job.Queue.values:
        canaries.answer(queue, worker="celery@here", at=NOON + 6 * MINUTE)

    assert look(NOON + 6 * MINUTE + SECOND) == []


def test_a_queue_that_does_not_answer_is_busy_while_one_of_its_jobs_is_running():
    JobFactory.create(running=True, queue="default")
    look()

    watch_on(6)

    assert ("deaf_queue", "default", "critical") not in open_incidents()


def test_a_queue_is_not_blamed_for_a_night_in_which_nobody_asked():
    look()

    assert look(NOON + timedelta(hours=9)) == []
    assert look(NOON + timedelta(hours=9) + MINUTE) == []


def test_every_queue_is_sent_a_canary_of_its_own(redis_server):
    look()

    assert {name: redis_server.llen(name) for name in Job.Queue.values} == dict.fromkeys(Job.Queue.values, 1)


def test_a_worker_that_takes_a_canary_is_known_by_its_name_and_queue():
    answer_canary.apply(kwargs={"queue": "maintenance"})

    beat = Heartbeat.objects.get(organ="queue")
    assert (beat.queue, bool(beat.instance)) == ("maintenance", True)


def test_a_check_that_fails_leaves_its_incidents_and_the_other_checks_alone(monkeypatch):
    waiting(6)
    look()

    def broken(at):
        raise DatabaseError("statement timeout")

    monkeypatch.setattr(watch, "CHECKS", {**troubles.CHECKS, "old_queue": broken})
    JobFactory.create(dead=True)
    with capture_logs() as logs:
        found = look(NOON + MINUTE)

    assert [kind for kind, _, _ in found] == ["dead_job", "old_queue"]
    assert [entry["kind"] for entry in logs if entry["event"] == "watch.check_failed"] == ["old_queue"]


def test_it_is_overdue_when_nobody_has_looked_for_a_minute():
    before = watch.is_overdue(NOON)
    look()

    assert (before, watch.is_overdue(NOON + MINUTE), watch.is_overdue(NOON + MINUTE + SECOND)) == (True, False, True)


def test_the_task_looks():
    look_after_incidents()

    assert Heartbeat.objects.filter(organ="watch").exists()


def test_processes_that_are_gone_are_forgotten_after_a_day_all_but_the_last():
    for number, age in enumerate([timedelta(days=3), timedelta(days=2)]):
        canaries.answer("default", worker=f"celery@{number}", at=NOON - age)
    canaries.answer("maintenance", worker="celery@0", at=NOON - timedelta(hours=23))

    heartbeats.forget(at=NOON)

    left = Heartbeat.objects.filter(organ="queue").order_by("queue").values_list("queue", "instance")
    assert list(left) == [("default", "celery@1"), ("maintenance", "celery@0")]


def test_the_schedule_that_asks_for_it_is_installed():
    call_command("sync_schedules", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT every, period FROM django_celery_beat_periodictask AS task"
            " JOIN django_celery_beat_intervalschedule AS time ON time.id = task.interval_id"
            " WHERE task.task = 'accounts.watch'"
        )
        assert cursor.fetchall() == [(30, "seconds")]
