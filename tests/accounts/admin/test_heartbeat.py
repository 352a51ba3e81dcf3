"""The page "Workers and queues"."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.actions import canaries, heartbeats, role_groups
from accounts.models import Heartbeat
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import IncidentFactory, JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PAGE = "/admin/accounts/heartbeat/"


@pytest.fixture(autouse=True)
def schedules() -> None:
    call_command("sync_schedules", verbosity=0)
    role_groups.sync()


@pytest.fixture
def operator(client: Client) -> None:
    client.force_login(UserFactory.create(role=Role.OPERATOR))


def text(client: Client) -> str:
    response = client.get(PAGE)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def queue(client: Client, name: str):
    [found] = [queue for queue in client.get(PAGE).context["queues"] if queue.name == name]
    return found


@pytest.mark.usefixtures("operator")
def test_a_new_installation_has_a_readable_page(client):
    page = text(client)

    assert "Never heard of." in page
    assert "No job is running." in page
    assert "No worker has been heard of." in page
    assert "Market: sync the top 50" in page


@pytest.mark.usefixtures("operator")
def test_depth_in_redis_and_jobs_of_the_database_stand_side_by_side(client, redis_server):
    now = clock.now()
    redis_server.lpush("maintenance", "one", "two")
    redis_server.hset("unacked", "tag", "three")
    JobFactory.create(queue="maintenance", run_after=now - timedelta(seconds=90))
    JobFactory.create(queue="maintenance", retrying=True, run_after=now + timedelta(seconds=90))
    JobFactory.create(queue="maintenance", running=True)
    canaries.answer("maintenance", worker="celery@here", at=now)

    row = queue(client, "maintenance")

    assert (row.messages, row.waiting, row.running, row.answered_at) == (2, 2, 1, now)
    assert timedelta(seconds=90) <= row.oldest_age < timedelta(seconds=150)
    assert "Messages that workers hold at the moment: 1." in text(client)
    assert (queue(client, "default").messages, queue(client, "default").oldest_age) == (0, None)


@pytest.mark.usefixtures("operator")
def test_running_jobs_are_shown_with_worker_and_lease_and_lost_ones_as_such(client):
    JobFactory.create(running=True, worker="here:7:1")
    JobFactory.create(running=True, worker="there:8:1", lease_until=clock.now() - timedelta(seconds=1), owner=None)

    page = text(client)

    assert "here:7:1" in page
    assert "there:8:1" in page
    assert "schedule" in page
    assert page.count("lost</span>") == 1


@pytest.mark.usefixtures("operator")
def test_workers_are_named_with_the_queues_they_answered_for(client):
    now = clock.now()
    for name, worker, age in [("default", "celery@a", 9), ("maintenance", "celery@a", 5), ("default", "celery@b", 1)]:
        canaries.answer(name, worker=worker, at=now - timedelta(seconds=age))

    workers = client.get(PAGE).context["workers"]

    assert [(worker.name, worker.queues) for worker in workers] == [
        ("celery@b", ("default",)),
        ("celery@a", ("default", "maintenance")),
    ]


@pytest.mark.usefixtures("operator")
def test_incidents_and_the_scheduler_are_said_first(client):
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="here:9", at=clock.now())
    IncidentFactory.create()

    page = text(client)

    assert "scheduler running" in page
    assert "here:9" in page
    assert "1 open incident<" in page


@pytest.mark.usefixtures("operator")
def test_a_scheduler_that_is_switched_off_is_called_disabled(client, settings):
    settings.SCHEDULER_ENABLED = False

    assert "SCHEDULER_ENABLED is false: nothing runs by itself." in text(client)


@pytest.mark.usefixtures("operator")
def test_without_redis_the_page_says_what_it_still_knows(client, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    JobFactory.create(queue="default")

    page = text(client)

    assert "Redis does not answer" in page
    assert queue(client, "default").waiting == 1
    assert "unknown" in page


@pytest.mark.usefixtures("operator")
def test_twelve_of_each_take_as_many_questions_as_one(client, django_assert_max_num_queries):
    def add(number: int) -> None:
        for n in range(number):
            JobFactory.create(running=True)
            canaries.answer("default", worker=f"celery@{number}-{n}", at=clock.now())

    add(1)
    client.get(PAGE)
    with django_assert_max_num_queries(50) as one:
        client.get(PAGE)
    add(11)

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(PAGE)


def test_moderator_has_no_business_there(client):
    client.force_login(UserFactory.create(role=Role.MODERATOR))

    assert client.get(PAGE).status_code == 403


@pytest.mark.usefixtures("operator")
def test_a_single_sign_of_life_has_no_page(client):
    heartbeats.beat(Heartbeat.Organ.WATCH, at=clock.now())

    assert client.get(f"{PAGE}{Heartbeat.objects.get().pk}/change/").status_code == 403
