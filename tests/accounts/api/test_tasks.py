import uuid

import pytest

from accounts.api.tasks import accepted
from accounts.models import Job
from accounts.roles import Role
from tests.accounts.factories import NOON, JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def alice():
    return UserFactory.create()


@pytest.fixture
def ask(client, alice, bearer):
    def ask(job, what, *, by=alice):
        return client.get(f"/api/v1/tasks/{getattr(job, 'pk', job)}/{what}", headers=bearer(by))

    return ask


def test_accepted_job_is_answered_with_its_id_and_the_way_to_its_status(alice):
    job = JobFactory.create(owner=alice)

    response = accepted(job)

    assert (response.status_code, response.headers["Location"]) == (202, f"/api/v1/tasks/{job.pk}/status")
    assert response.data == {"data": {"task_id": str(job.pk), "status": "PENDING"}}


def test_waiting_task_is_pending(ask, alice):
    job = JobFactory.create(owner=alice)

    response = ask(job, "status")

    assert response.status_code == 200
    assert response.json() == {
        "data": {
            "task_id": str(job.pk),
            "status": "PENDING",
            "progress": 0,
            "attempts": 0,
            "created_at": "2026-03-12T12:00:00Z",
            "started_at": None,
            "finished_at": None,
            "error": None,
        }
    }


def test_failed_task_shows_why(ask, alice):
    job = JobFactory.create(owner=alice, failed=True, progress=40)

    data = ask(job, "status").json()["data"]

    assert data == {
        "task_id": str(job.pk),
        "status": "FAILURE",
        "progress": 40,
        "attempts": 1,
        "created_at": "2026-03-12T12:00:00Z",
        "started_at": "2026-03-12T12:00:00Z",
        "finished_at": "2026-03-12T12:00:00Z",
        "error": {"code": "provider_unavailable", "message": "No provider of market data answers at the moment."},
    }


def test_finished_task_gives_its_result(ask, alice):
    job = JobFactory.create(owner=alice, succeeded=True)

    response = ask(job, "result")

    assert response.status_code == 200
    assert response.json() == {
        "data": {"task_id": str(job.pk), "status": "SUCCESS", "result": {"updated": 50}, "error": None}
    }


def test_result_of_a_failed_task_is_its_error(ask, alice):
    job = JobFactory.create(owner=alice, failed=True)

    response = ask(job, "result")

    assert response.status_code == 200
    assert response.json()["data"] == {
        "task_id": str(job.pk),
        "status": "FAILURE",
        "result": None,
        "error": {"code": "provider_unavailable", "message": "No provider of market data answers at the moment."},
    }


@pytest.mark.parametrize(
    ("fields", "status", "progress"),
    [({}, "PENDING", 0), ({"running": True}, "STARTED", 0), ({"running": True, "progress": 40}, "PROGRESS", 40)],
)
def test_result_is_not_ready_before_the_end(ask, alice, fields, status, progress):
    response = ask(JobFactory.create(owner=alice, **fields), "result")

    error = response.json()["error"]
    assert (response.status_code, error["code"], response.headers["Retry-After"]) == (409, "task_not_ready", "1")
    assert (error["details"]["status"], error["details"]["progress"]) == (status, progress)


def test_cancelled_task_has_no_result_any_more(ask, alice):
    response = ask(JobFactory.create(owner=alice, state=Job.State.CANCELLED, finished_at=NOON), "result")

    assert (response.status_code, response.json()["error"]["code"]) == (410, "task_cancelled")


@pytest.mark.parametrize("what", ["status", "result"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MODERATOR])
def test_task_of_somebody_else_is_as_good_as_absent(ask, role, what):
    stranger = UserFactory.create(role=role)

    foreign = ask(JobFactory.create(succeeded=True), what, by=stranger)
    scheduled = ask(JobFactory.create(succeeded=True, owner=None), what, by=stranger)
    absent = ask(uuid.uuid4(), what, by=stranger)

    bodies = [response.json()["error"] for response in (foreign, scheduled, absent)]
    for body in bodies:
        body["details"].pop("request_id", None)
    assert [response.status_code for response in (foreign, scheduled, absent)] == [404, 404, 404]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["code"] == "not_found"


@pytest.mark.parametrize("what", ["status", "result"])
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_operators_and_administrators_see_every_task(ask, role, what):
    response = ask(JobFactory.create(succeeded=True), what, by=UserFactory.create(role=role))

    assert response.status_code == 200


@pytest.mark.parametrize("what", ["status", "result"])
def test_anonymous_callers_see_no_task(client, what):
    response = client.get(f"/api/v1/tasks/{JobFactory.create(succeeded=True).pk}/{what}")

    assert (response.status_code, response.json()["error"]["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(("name", "status"), [("1", 404), ("not-a-uuid", 404), ("%00", 400)])
def test_name_that_is_no_task_id_is_not_found(client, alice, bearer, name, status):
    assert client.get(f"/api/v1/tasks/{name}/status", headers=bearer(alice)).status_code == status
