"""The schedules in the admin: the operators' business, and every change of them is on record."""

import json
from datetime import UTC, datetime

import pytest
from celery import current_app
from django.core.management import call_command
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask
from kombu.exceptions import OperationalError

from accounts.actions import role_groups
from accounts.models import AuditEntry
from accounts.roles import Role
from config.schedules import SCHEDULES
from tests.accounts.factories import UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/django_celery_beat/periodictask/"
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def schedules():
    call_command("sync_schedules", verbosity=0)
    role_groups.sync()


@pytest.fixture
def operator(client):
    person = UserFactory.create(role=Role.OPERATOR)
    client.force_login(person)
    return person


@pytest.fixture
def top():
    return PeriodicTask.objects.get(name="Market: sync the top 50")


def form(row=None, **fields):
    values = {
        "name": row.name if row else "Market: sync the top 500",
        "task": row.task if row else "update_market_data",
        "description": row.description if row else "",
        "enabled": "on",
        "interval": (row.interval_id if row else IntervalSchedule.objects.get(every=3_600).pk) or "",
        "kwargs": row.kwargs if row else '{"limit": 200}',
        **fields,
    }
    return {name: value for name, value in values.items() if value is not None}


def act(client, action, *rows, **fields):
    return client.post(LIST, {"action": action, "_selected_action": [row.pk for row in rows], **fields})


def messages_in(redis_server, queue="default"):
    return [json.loads(message)["headers"] for message in redis_server.lrange(queue, 0, -1)]


def complaints(response):
    page = response.context["adminform"].form
    return [message for messages in page.errors.values() for message in messages]


def test_operator_sees_what_runs_by_itself_and_when(client, operator):
    page = client.get(LIST).content.decode()

    assert all(schedule.name in page for schedule in SCHEDULES)
    assert "every 300 seconds" in page
    assert "5 0 * * * (m/h/dM/MY/d) UTC" in page


def test_a_change_is_stored_and_says_what_was_before(client, operator, top):
    top.last_run_at, top.total_run_count = NOON, 7
    top.save()

    response = client.post(f"{LIST}{top.pk}/change/", form(top, kwargs='{"limit": 10}'))

    top.refresh_from_db()
    entry = AuditEntry.objects.about(top).get()
    assert response.status_code == 302
    assert (top.kwargs, top.last_run_at, top.total_run_count) == ('{"limit": 10}', NOON, 7)
    assert (entry.verb, entry.actor, entry.before, entry.after) == (
        "accounts.schedule.changed",
        operator,
        {"kwargs": '{"limit": 50}'},
        {"kwargs": '{"limit": 10}'},
    )


def test_another_time_counts_from_now_on_and_is_named_in_words(client, operator, top):
    top.last_run_at = NOON
    top.save()
    hourly = IntervalSchedule.objects.get(every=3_600)

    client.post(f"{LIST}{top.pk}/change/", form(top, interval=hourly.pk))

    top.refresh_from_db()
    entry = AuditEntry.objects.about(top).get()
    assert (top.interval, top.last_run_at) == (hourly, None)
    assert (entry.before, entry.after) == ({"interval": "every 300 seconds"}, {"interval": "every 3600 seconds"})


def test_saving_without_a_change_leaves_no_trace(client, operator, top):
    client.post(f"{LIST}{top.pk}/change/", form(top))

    assert not AuditEntry.objects.about(top).exists()


def test_a_new_schedule_is_on_record(client, operator):
    response = client.post(f"{LIST}add/", form(queue="maintenance"))

    row = PeriodicTask.objects.get(name="Market: sync the top 500")
    entry = AuditEntry.objects.about(row).get()
    assert response.status_code == 302
    assert (row.kwargs, row.queue, row.enabled) == ('{"limit": 200}', "maintenance", True)
    assert (entry.verb, entry.actor, entry.after["interval"]) == (
        "accounts.schedule.added",
        operator,
        "every 3600 seconds",
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"task": "os.system"}, "Select a valid choice. os.system is not one of the available choices."),
        ({"task": "accounts.perform_job"}, "Select a valid choice. accounts.perform_job is not one of"),
        ({"kwargs": "{"}, "This is not JSON:"),
        ({"kwargs": "[50]"}, "Name the arguments:"),
        ({"kwargs": '{"limti": 50}'}, 'The task knows no argument "limti"; it takes limit, provider, cross_check.'),
        ({"kwargs": '{"limit": "50"}'}, 'The argument "limit" is not right: Input should be a valid integer.'),
        ({"task": "markets.close_days", "kwargs": '{"day": 1}'}, 'The task knows no argument "day"; it takes none.'),
        ({"interval": None}, "Choose either an interval or a crontab."),
        ({"queue": "nowhere"}, "Select a valid choice. nowhere is not one of the available choices."),
        ({"name": "Market: sync the top 50"}, "Periodic task with this Name already exists."),
        (
            {"start_time_0": "2026-03-02", "start_time_1": "0:0", "expires_0": "2026-03-01", "expires_1": "0:0"},
            "It would",
        ),
    ],
)
def test_what_could_not_run_is_refused_with_a_sentence(client, operator, fields, sentence):
    response = client.post(f"{LIST}add/", form(**fields))

    [complaint] = complaints(response)
    assert complaint.startswith(sentence)
    assert PeriodicTask.objects.count() == len(SCHEDULES)
    assert not AuditEntry.objects.exists()


def test_both_kinds_of_time_are_refused(client, operator):
    response = client.post(f"{LIST}add/", form(crontab=CrontabSchedule.objects.earliest("pk").pk))

    assert complaints(response) == ["Choose either an interval or a crontab."]


def test_a_switch_asks_for_a_reason_first(client, operator, top):
    response = act(client, "switch_selected_off", top)

    top.refresh_from_db()
    assert "Switch these schedules off?" in response.content.decode()
    assert top.enabled


def test_off_and_on_again_with_reasons(client, operator, top):
    top.last_run_at = NOON
    top.save()

    act(client, "switch_selected_off", top, reason="The provider is being moved.")
    off = PeriodicTask.objects.get(pk=top.pk)
    act(client, "switch_selected_on", top, reason="It is back.")
    on = PeriodicTask.objects.get(pk=top.pk)

    assert (off.enabled, off.last_run_at, on.enabled, on.last_run_at) == (False, None, True, None)
    assert list(AuditEntry.objects.about(top).values_list("verb", "actor", "reason")) == [
        ("accounts.schedule.switched_off", operator.pk, "The provider is being moved."),
        ("accounts.schedule.switched_on", operator.pk, "It is back."),
    ]


def test_switching_on_what_is_on_changes_nothing_and_says_so(client, operator, top):
    top.last_run_at = NOON
    top.save()

    response = client.post(
        LIST, {"action": "switch_selected_on", "_selected_action": [top.pk], "reason": "Why not."}, follow=True
    )

    top.refresh_from_db()
    assert "This schedule is on already." in response.content.decode()
    assert top.last_run_at == NOON
    assert not AuditEntry.objects.exists()


def test_run_now_sends_one_task_and_moves_no_time(client, operator, top, redis_server):
    top.last_run_at = NOON
    top.save()

    act(client, "run_selected_now", top, reason="After the outage.")

    top.refresh_from_db()
    [headers] = messages_in(redis_server)
    entry = AuditEntry.objects.about(top).get()
    assert (headers["task"], headers["kwargsrepr"]) == ("update_market_data", "{'limit': 50}")
    assert (top.last_run_at, top.total_run_count) == (NOON, 0)
    assert (entry.verb, entry.actor, entry.reason) == ("accounts.schedule.run_now", operator, "After the outage.")


def test_run_now_goes_to_the_queue_that_the_scheduler_would_use(client, operator, redis_server):
    act(client, "run_selected_now", PeriodicTask.objects.get(task="markets.close_days"), reason="Late.")

    assert [headers["task"] for headers in messages_in(redis_server, "maintenance")] == ["markets.close_days"]


def test_run_now_without_a_broker_says_so_and_leaves_no_trace(client, operator, top, monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)

    response = client.post(
        LIST, {"action": "run_selected_now", "_selected_action": [top.pk], "reason": "Now."}, follow=True
    )

    assert "nothing was started" in response.content.decode()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("many", [True, False])
def test_a_removed_schedule_is_on_record(client, operator, top, many):
    if many:
        act(client, "delete_selected", top, post="yes")
    else:
        client.post(f"{LIST}{top.pk}/delete/", {"post": "yes"})

    entry = AuditEntry.objects.get(verb="accounts.schedule.removed")
    assert not PeriodicTask.objects.filter(pk=top.pk).exists()
    assert (entry.subject_id, entry.before["name"]) == (str(top.pk), "Market: sync the top 50")


def test_moderator_has_no_business_there(client, top):
    client.force_login(UserFactory.create(role=Role.MODERATOR))

    answers = [
        client.get(LIST),
        act(client, "run_selected_now", top, reason="Me too."),
        client.post(f"{LIST}{top.pk}/change/", form(top)),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not AuditEntry.objects.exists()


def test_the_list_asks_as_many_questions_for_twelve_schedules_as_for_one(
    client, operator, top, django_assert_max_num_queries
):
    PeriodicTask.objects.exclude(pk=top.pk).delete()
    client.get(LIST)
    with django_assert_max_num_queries(50) as one:
        client.get(LIST)
    for n in range(11):
        PeriodicTask.objects.create(name=f"{n}", task=top.task, interval=top.interval)

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(LIST)


@pytest.mark.parametrize(
    ("path", "fields", "name"),
    [
        ("intervalschedule", {"every": "90", "period": "seconds"}, "every 90 seconds"),
        (
            "crontabschedule",
            {
                "minute": "5",
                "hour": "*/6",
                "day_of_month": "*",
                "month_of_year": "*",
                "day_of_week": "*",
                "timezone": "America/Chicago",
            },
            "5 */6 * * * (m/h/dM/MY/d) America/Chicago",
        ),
    ],
)
def test_a_new_time_is_on_record_and_never_changes(client, operator, path, fields, name):
    client.post(f"/admin/django_celery_beat/{path}/add/", fields)

    entry = AuditEntry.objects.get(verb="accounts.schedule_time.added")
    row = f"/admin/django_celery_beat/{path}/{entry.subject_id}"
    assert (entry.actor, entry.after) == (operator, {"time": name})
    assert client.get(f"{row}/change/").status_code == 200
    assert [client.post(f"{row}/{deed}/", fields).status_code for deed in ("change", "delete")] == [403, 403]


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("intervalschedule", {"every": "0", "period": "seconds"}, "Ensure this value is greater than or equal to 1."),
        ("intervalschedule", {"every": "5", "period": "microseconds"}, "Select a valid choice."),
        ("intervalschedule", {"every": "300", "period": "seconds"}, "This interval exists already."),
        ("crontabschedule", {"minute": "61"}, "'61', not in 0-59 for Minutes"),
        ("crontabschedule", {"minute": "soon"}, "\"No enumeration for Minutes: 'soon'\""),
        ("crontabschedule", {"day_of_month": "30", "month_of_year": "2"}, "This moment never comes."),
        ("crontabschedule", {"timezone": "America/Gotham"}, "Select a valid choice."),
    ],
)
def test_a_time_that_cannot_be_is_refused(client, operator, path, fields, sentence):
    before = IntervalSchedule.objects.count(), CrontabSchedule.objects.count()
    if path == "crontabschedule":
        names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        fields = {**dict.fromkeys(names, "*"), "timezone": "UTC", **fields}

    response = client.post(f"/admin/django_celery_beat/{path}/add/", fields)

    assert [complaint[: len(sentence)] for complaint in complaints(response)] == [sentence]
    assert (IntervalSchedule.objects.count(), CrontabSchedule.objects.count()) == before


def test_there_is_no_page_for_times_that_nobody_needs(client, operator):
    paths = [f"/admin/django_celery_beat/{path}/" for path in ("clockedschedule", "solarschedule")]

    assert [client.get(path).status_code for path in paths] == [404, 404]
    assert not ClockedSchedule.objects.exists()
