from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from prometheus_client import REGISTRY
from structlog.contextvars import bound_contextvars

from accounts.actions import audit
from accounts.models import AuditEntry
from tests.accounts.factories import NOON, JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_deed_is_written_down_with_everything_that_explains_it():
    alice, job = UserFactory.create(), JobFactory.create()

    with bound_contextvars(request_id="6f9619ff-8b86-4011-b42d-00c04fc964ff", api_key="ck_7Qm2"):
        audit.record(
            "accounts.job.cancelled",
            actor=alice,
            subject=job,
            at=NOON,
            reason="Asked for twice.",
            before={"progress": 40},
            after={"progress": None, "cost": Decimal("0.10"), "until": NOON + timedelta(hours=1)},
        )

    stored = AuditEntry.objects.values().get()
    assert stored == {
        "id": stored["id"],
        "created_at": stored["created_at"],
        "happened_at": NOON,
        "actor_id": alice.pk,
        "verb": "accounts.job.cancelled",
        "subject_type": "accounts.job",
        "subject_id": str(job.pk),
        "reason": "Asked for twice.",
        "before": {"progress": 40},
        "after": {"progress": None, "cost": "0.10", "until": "2026-03-12T13:00:00Z"},
        "request_id": "6f9619ff-8b86-4011-b42d-00c04fc964ff",
        "api_key": "ck_7Qm2",
    }


def test_deed_of_the_schedule_needs_no_actor_no_subject_and_no_request():
    entry = audit.record("accounts.roles.synchronised", actor=None, subject=None, at=NOON)

    entry.refresh_from_db()
    assert (entry.actor, entry.subject_type, entry.subject_id, entry.reason) == (None, "", "", "")
    assert (entry.before, entry.after, entry.request_id, entry.api_key) == ({}, {}, "", "")


def test_time_of_writing_is_the_databases_own():
    entry = audit.record("accounts.roles.synchronised", actor=None, subject=None, at=NOON)

    entry.refresh_from_db()
    assert entry.happened_at == NOON
    assert entry.created_at > NOON + timedelta(days=1)


def counted(verb: str) -> float:
    return REGISTRY.get_sample_value("audit_rows_total", {"action": verb}) or 0.0


def test_deeds_are_counted_by_what_was_done(django_capture_on_commit_callbacks):
    before = counted("accounts.roles.synchronised")

    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            audit.record("accounts.roles.synchronised", actor=None, subject=None, at=NOON)

    assert counted("accounts.roles.synchronised") == before + 2


def test_deed_that_is_rolled_back_is_not_counted(django_capture_on_commit_callbacks):
    before = counted("accounts.roles.synchronised")

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        audit.record("accounts.roles.synchronised", actor=None, subject=None, at=NOON)
        transaction.set_rollback(True)

    assert counted("accounts.roles.synchronised") == before
