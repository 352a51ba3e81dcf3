import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.api.tasks import accepted
from accounts.models import AuditEntry, Job
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
    job = JobFactory.create(owner=alice, run_after=Now() - timedelta(seconds=90))

    response = ask(job, "status")

    assert (response.status_code, response["Retry-After"]) == (200, "1")
    assert response.json() == {
        "data": {
            "task_id": str(job.pk),
            "kind": "update_market_data",
            "status": "PENDING",
            "progress": 0,
            "queue_position": 1,
            "attempts": 0,
            "max_attempts": 3,
            "created_at": "2026-03-12T12:00:00Z",
            "started_at": None,
            "finished_at": None,
            "queued_seconds": pytest.approx(90, abs=30),
            "running_seconds": None,
            "error": None,
        }
    }


def test_failed_task_shows_why(ask, alice):
    job = JobFactory.create(
        owner=alice,
        failed=True,
        progress=40,
        run_after=NOON - timedelta(seconds=3),
        finished_at=NOON + timedelta(seconds=2),
    )

    response = ask(job, "status")

    assert "Retry-After" not in response
    data = response.json()["data"]
    assert data == {
        "task_id": str(job.pk),
        "kind": "update_market_data",
        "status": "FAILURE",
        "progress": 40,
        "queue_position": None,
        "attempts": 1,
        "max_attempts": 3,
        "created_at": "2026-03-12T12:00:00Z",
        "started_at": "2026-03-12T12:00:00Z",
        "finished_at": "2026-03-12T12:00:02Z",
        "queued_seconds": 3.0,
        "running_seconds": 2.0,
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


def test_task_that_waits_for_another_attempt_says_when_to_ask_again(ask, alice):
    job = JobFactory.create(owner=alice, retrying=True, run_after=Now() + timedelta(seconds=40))

    response = ask(job, "status")

    data = response.json()["data"]
    assert 38 <= int(response["Retry-After"]) <= 40
    assert (data["status"], data["attempts"], data["queued_seconds"], data["running_seconds"], data["error"]) == (
        "RETRY",
        1,
        0.0,
        None,
        None,
    )


def test_position_counts_those_that_wait_before_in_the_same_queue(ask, alice):
    before = Now() - timedelta(minutes=1)
    JobFactory.create(run_after=before)
    JobFactory.create(run_after=before, queue=Job.Queue.MAINTENANCE)
    JobFactory.create(run_after=before, running=True)
    JobFactory.create(run_after=before, succeeded=True)
    job = JobFactory.create(owner=alice)
    JobFactory.create(run_after=Now() + timedelta(minutes=1))

    assert ask(job, "status").json()["data"]["queue_position"] == 2


@pytest.fixture
def cancel(client, alice, bearer):
    def cancel(job, *, by=alice):
        return client.delete(f"/api/v1/tasks/{getattr(job, 'pk', job)}", headers=bearer(by))

    return cancel


@pytest.mark.parametrize(
    ("fields", "status", "cancellation", "verbs"),
    [
        ({}, "REVOKED", "cancelled", ["accounts.job.cancelled"]),
        ({"retrying": True}, "REVOKED", "cancelled", ["accounts.job.cancelled"]),
        ({"running": True}, "STARTED", "cancelling", ["accounts.job.cancellation_requested"]),
        ({"succeeded": True}, "SUCCESS", "too_late", []),
        ({"failed": True}, "FAILURE", "too_late", []),
        ({"dead": True}, "FAILURE", "too_late", []),
        ({"cancelled": True}, "REVOKED", "cancelled", []),
    ],
)
def test_cancelling_says_what_becomes_of_the_task_however_often(cancel, alice, fields, status, cancellation, verbs):
    job = JobFactory.create(owner=alice, **fields)

    answers = [cancel(job), cancel(job)]

    for answer in answers:
        assert answer.status_code == 200
        assert answer.json() == {
            "data": {"task_id": str(job.pk), "status": status, "cancellation": cancellation},
        }
    assert AuditEntry.objects.about(job).verbs() == verbs


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MODERATOR])
def test_nobody_cancels_the_task_of_somebody_else(cancel, role):
    job = JobFactory.create()

    answers = [cancel(which, by=UserFactory.create(role=role)) for which in (job, uuid.uuid4())]

    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in answers] == [(404, "not_found")] * 2
    job.refresh_from_db()
    assert job.state == "queued"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_operators_cancel_every_task(cancel, role):
    assert cancel(JobFactory.create(), by=UserFactory.create(role=role)).json()["data"]["cancellation"] == "cancelled"


@pytest.fixture
def active(client, alice, bearer):
    def active(query="", *, by=alice):
        return client.get(f"/api/v1/tasks/active{query}", headers=bearer(by))

    return active


def test_active_tasks_are_ones_own_that_have_not_finished_newest_first(active, alice):
    own = [JobFactory.create(owner=alice, **fields) for fields in ({}, {"retrying": True}, {"running": True})]
    for state in ("succeeded", "failed", "dead", "cancelled"):
        JobFactory.create(owner=alice, **{state: True})
    JobFactory.create()

    data = active().json()["data"]

    assert [(task["task_id"], task["status"]) for task in data["results"]] == [
        (str(own[2].pk), "STARTED"),
        (str(own[1].pk), "RETRY"),
        (str(own[0].pk), "PENDING"),
    ]
    assert (data["count"], data["next"], data["previous"]) == (3, None, None)


@pytest.mark.parametrize(("role", "seen"), [(Role.MODERATOR, 0), (Role.OPERATOR, 2), (Role.ADMIN, 2)])
def test_operators_see_the_active_tasks_of_everybody(active, role, seen):
    JobFactory.create()
    JobFactory.create(owner=None)

    assert active(by=UserFactory.create(role=role)).json()["data"]["count"] == seen


def test_active_tasks_are_read_page_by_page(active, alice, client, bearer):
    made = [str(JobFactory.create(owner=alice).pk) for _ in range(5)]

    pages, url = [], "/api/v1/tasks/active?page_size=2"
    while url:
        answer = client.get(url, headers=bearer(alice))
        data = answer.json()["data"]
        pages.append([task["task_id"] for task in data["results"]])
        url = data["next"]
        assert ("Link" in answer) == (url is not None)

    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]


@pytest.mark.parametrize("query", ["?cursor=nonsense", "?cursor=e30", "?page_size=0", "?page_size=201"])
def test_page_that_cannot_be_is_refused(active, query):
    answer = active(query)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_error")


def test_active_tasks_cost_the_same_however_many_they_are(active, alice):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert active().status_code == 200
        return len(captured)

    JobFactory.create(owner=alice)
    queries()  # the first one also looks up the token and what has been withdrawn
    one = queries()
    JobFactory.create_batch(11, owner=alice)

    assert queries() == one


def test_active_tasks_are_for_people_who_are_signed_in(client):
    assert client.get("/api/v1/tasks/active").status_code == 401


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
