import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import ProtectedError

from accounts.models import AuditEntry
from config.kernel.append_only import AppendOnlyViolation
from tests.accounts.factories import AuditEntryFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def entry():
    entry = AuditEntryFactory()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a pending check would refuse TRUNCATE for its own reasons
    return entry


def test_entries_about_a_subject_are_told_oldest_first():
    alice, bob = UserFactory.create_batch(2)
    for person, verb in [(alice, "a.b.first"), (bob, "a.b.other"), (alice, "a.b.second")]:
        AuditEntryFactory(verb=verb, subject_type="accounts.user", subject_id=str(person.pk))
    AuditEntryFactory(verb="a.b.elsewhere", subject_type="accounts.job", subject_id=str(alice.pk))

    assert AuditEntry.objects.about(alice).verbs() == ["a.b.first", "a.b.second"]


def test_stored_entry_is_not_saved_again(entry):
    entry.verb = "nothing.to.see"

    with pytest.raises(AppendOnlyViolation):
        entry.save()

    assert AuditEntry.objects.get().verb == "accounts.user.role_changed"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET verb = 'x'",
        "UPDATE accounts_auditentry SET verb = 'x' WHERE false",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
    ],
)
def test_database_refuses_to_change_the_trail(entry, statement):
    with (
        pytest.raises(ProgrammingError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert AuditEntry.objects.get() == entry


def test_person_whom_the_trail_names_cannot_be_deleted(entry):
    with pytest.raises(ProtectedError):
        entry.actor.delete()

    entry.actor.refresh_from_db()
