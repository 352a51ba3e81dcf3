import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from accounts.models import Job
from accounts.roles import Role
from config.celery import QUEUES
from tests.accounts.factories import NOON, JobFactory, UserFactory


def with_database(test):
    return pytest.mark.integration(pytest.mark.django_db(test))


@pytest.mark.parametrize(
    ("state", "progress", "word"),
    [
        ("queued", 0, "PENDING"),
        ("running", 0, "STARTED"),
        ("running", 1, "PROGRESS"),
        ("retrying", 40, "RETRY"),
        ("succeeded", 100, "SUCCESS"),
        ("failed", 40, "FAILURE"),
        ("dead", 40, "FAILURE"),
        ("cancelled", 40, "REVOKED"),
    ],
)
def test_each_state_has_its_word_of_celery(state, progress, word):
    assert Job(state=state, progress=progress).celery_word == word


def test_every_queue_of_a_job_is_one_that_celery_knows():
    assert set(Job.Queue.values) == set(QUEUES)


@with_database
@pytest.mark.parametrize(
    ("role", "sees_others"),
    [(Role.VIEWER, False), (Role.ANALYST, False), (Role.MODERATOR, False), (Role.OPERATOR, True), (Role.ADMIN, True)],
)
def test_job_is_seen_by_its_owner_and_from_operator_upwards(role, sees_others):
    person = UserFactory.create(role=role)
    own, foreign, scheduled = JobFactory.create(owner=person), JobFactory.create(), JobFactory.create(owner=None)

    assert set(Job.objects.visible_to(person)) == ({own, foreign, scheduled} if sees_others else {own})


@with_database
def test_nobody_in_particular_sees_no_job():
    JobFactory.create(owner=None)

    assert not Job.objects.visible_to(AnonymousUser()).exists()


@with_database
@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "asleep", "attempt": 1, "started_at": NOON}, "job_finished_at_when_finished"),
        ({"queue": "nowhere"}, "job_queue_is_known"),
        ({"kind": ""}, "job_kind_is_given"),
        ({"progress": 101}, "job_progress_is_a_percentage"),
        ({"attempt": 4, "started_at": NOON}, "job_attempts_are_limited"),
        ({"attempt": 1}, "job_started_at_with_first_attempt"),
        ({"started_at": NOON}, "job_started_at_with_first_attempt"),
        ({"state": "retrying"}, "job_runs_after_its_start"),
        ({"state": "dead", "finished_at": NOON, "error_code": "worker_lost"}, "job_runs_after_its_start"),
        ({"state": "running", "attempt": 1, "started_at": NOON}, "job_leased_while_running"),
        ({"lease_until": NOON}, "job_leased_while_running"),
        ({"finished_at": NOON}, "job_finished_at_when_finished"),
        ({"state": "cancelled"}, "job_finished_at_when_finished"),
        ({"result": {}}, "job_result_when_succeeded"),
        (
            {"state": "succeeded", "attempt": 1, "started_at": NOON, "finished_at": NOON, "progress": 100},
            "job_result_when_succeeded",
        ),
        ({"state": "failed", "finished_at": NOON}, "job_failure_has_a_code"),
        (
            {"state": "dead", "attempt": 1, "started_at": NOON, "finished_at": NOON},
            "job_failure_has_a_code",
        ),
    ],
)
def test_database_refuses_states_that_cannot_be(changes, constraint):
    job = JobFactory.create()
    before = Job.objects.values().get(pk=job.pk)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**changes)

    assert Job.objects.values().get(pk=job.pk) == before
