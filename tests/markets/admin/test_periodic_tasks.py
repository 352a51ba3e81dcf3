"""The schedules in the admin: the operators' business."""

import pytest
from django.core.management import call_command
from django.test import Client
from django_celery_beat.models import PeriodicTask

from accounts.models import User
from config.schedules import SCHEDULES

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/django_celery_beat/periodictask/"


@pytest.fixture(autouse=True)
def schedules() -> None:
    call_command("sync_schedules", verbosity=0)


def test_operator_sees_what_runs_by_itself_and_when(client: Client, operator: User) -> None:
    page = client.get(LIST).content.decode()

    assert all(schedule.name in page for schedule in SCHEDULES)
    assert "every 300 seconds" in page


def test_operator_switches_a_schedule_off(client: Client, operator: User) -> None:
    task = PeriodicTask.objects.get(name="Market: sync the top 50")
    assert client.get(f"{LIST}{task.pk}/change/").status_code == 200

    client.post(LIST, {"action": "disable_tasks", "_selected_action": [task.pk]})

    assert list(PeriodicTask.objects.filter(enabled=False)) == [task]


def test_moderator_has_no_business_there(client: Client, moderator: User) -> None:
    task = PeriodicTask.objects.earliest("pk")

    answers = [client.get(LIST), client.post(LIST, {"action": "disable_tasks", "_selected_action": [task.pk]})]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not PeriodicTask.objects.filter(enabled=False).exists()
