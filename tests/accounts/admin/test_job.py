from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actions import role_groups
from accounts.models import AuditEntry, Job, User
from accounts.roles import Role
from tests.accounts.factories import JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/accounts/job/"


@pytest.fixture
def operator(client: Client) -> User:
    role_groups.sync()
    person = UserFactory.create(role=Role.OPERATOR)
    client.force_login(person)
    return person


def ask(client: Client, action: str, *jobs: Job, **more: str) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [str(job.pk) for job in jobs], **more})


def said(client: Client, answer: Any) -> list[str]:
    return [str(message) for message in client.get(answer.headers["Location"]).context["messages"]]


def test_operator_retries_a_job_and_says_why(client: Client, operator: User) -> None:
    job = JobFactory.create(dead=True)
    assert "Try these jobs again?" in ask(client, "retry", job).content.decode()
    assert ask(client, "retry", job, reason=" ").status_code == 200
    job.refresh_from_db()
    assert job.state == "dead"

    answer = ask(client, "retry", job, reason="The provider is back.")

    job.refresh_from_db()
    assert (job.state, said(client, answer)) == ("retrying", ["1 waiting for another attempt."])
    entry = AuditEntry.objects.about(job).get()
    assert (entry.verb, entry.actor, entry.reason) == ("accounts.job.retried", operator, "The provider is back.")


def test_operator_cancels_jobs_and_is_told_what_becomes_of_each(client: Client, operator: User) -> None:
    waiting, running, finished = (JobFactory.create(**state) for state in ({}, {"running": True}, {"failed": True}))

    answer = ask(client, "cancel", waiting, running, finished, reason="By mistake.")

    assert sorted(said(client, answer)) == ["1 asked to stop at the next step.", "1 cancelled.", "1 left as finished."]
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    entries = AuditEntry.objects.order_by("pk").values_list("subject_id", "actor", "reason")
    assert set(entries) == {(str(job.pk), operator.pk, "By mistake.") for job in (waiting, running)}


def test_job_that_cannot_be_retried_says_so(client: Client, operator: User) -> None:
    job = JobFactory.create(succeeded=True)

    answer = ask(client, "retry", job, reason="Again.")

    assert said(client, answer) == [f"{job}: Only a job that failed, died or was cancelled can be tried again."]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_whoever_may_only_look_does_nothing(client: Client, action: str) -> None:
    role_groups.sync()
    person = UserFactory.create(role=Role.MODERATOR)
    client.force_login(person)
    job = JobFactory.create(failed=True)

    ask(client, action, job, reason="Let me.")

    job.refresh_from_db()
    assert job.state == "failed"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("field", ["state", "kind", "queue", "owner"])
def test_jobs_are_filtered(client: Client, operator: User, field: str) -> None:
    job = JobFactory.create(kind="a", queue="maintenance", state="cancelled", cancelled=True)
    other = JobFactory.create()
    value = getattr(job, f"{field}_id" if field == "owner" else field)
    name = "owner__id__exact" if field == "owner" else f"{field}__exact" if field != "kind" else "kind"

    found = client.get(reverse("admin:accounts_job_changelist"), {name: value}).context["cl"].result_list

    assert list(found) == [job]
    assert other not in found
