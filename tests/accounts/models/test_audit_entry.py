import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import ProtectedError

from accounts.models import AuditEntry
from config.kernel.append_only import AppendOnlyViolation
from tests.accounts.factories import AuditEntryFactory, UserFactory

pytestmark = pytest.mark.integration


@pytest.fixture
def entry(db):
    return AuditEntryFactory.create()


def test_entries_about_a_subject_are_told_oldest_first(db):
    alice, bob = UserFactory.create_batch(2)
    for person, verb in [(alice, "a.b.first"), (bob, "a.b.other"), (alice, "a.b.second")]:
        AuditEntryFactory.create(verb=verb, subject_type="accounts.user", subject_id=str(person.pk))
    AuditEntryFactory.create(verb="a.b.elsewhere", subject_type="accounts.job", subject_id=str(alice.pk))

    assert AuditEntry.objects.about(alice).verbs() == ["a.b.first", "a.b.second"]


def test_stored_entry_is_not_saved_again(entry):
    entry.verb = "nothing.to.see"

    with pytest.raises(AppendOnlyViolation):
        entry.save()

    assert AuditEntry.objects.get().verb == "accounts.user.role_changed"


CHANGES = [
    "UPDATE accounts_auditentry SET verb = 'x'",
    "UPDATE accounts_auditentry SET verb = 'x' WHERE false",
    "DELETE FROM accounts_auditentry",
    "TRUNCATE accounts_auditentry, accounts_auditlink",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_serving_role_may_not_change_the_trail(entry, statement):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert AuditEntry.objects.get().verb == "accounts.user.role_changed"


def test_person_whom_the_trail_names_cannot_be_deleted(entry):
    with pytest.raises(ProtectedError):
        entry.actor.delete()

    entry.actor.refresh_from_db()


@pytest.mark.parametrize("statement", CHANGES)
def test_not_even_the_owner_of_the_table_changes_the_trail(committed_db, owner_connection, statement):
    AuditEntryFactory.create()

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner_connection.execute(statement)

    assert AuditEntry.objects.get().verb == "accounts.user.role_changed"
