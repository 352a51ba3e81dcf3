import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction

from accounts.actions import audit
from accounts.models import AuditEntry, AuditLink
from accounts.models.audit_link import CANONICAL, GENESIS_HASH
from accounts.queries import audit_chain
from config.kernel.append_only import AppendOnlyViolation
from config.kernel.privileges import OWNER
from tests.accounts.factories import NOON, AuditEntryFactory
from tests.support.default_connection import default_connection
from tests.support.trail import INSERT

pytestmark = pytest.mark.integration


def record(verb):
    return audit.record(verb, actor=None, subject=None, at=NOON)


def microseconds(instant):
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_entry_is_linked_when_its_transaction_commits_and_not_before(committed_db):
    with transaction.atomic():
        entry = record("tests.deed.done")
        assert not AuditLink.objects.exists()

    assert list(AuditLink.objects.values_list("position", "entry_id", "previous_hash")) == [(1, entry.pk, GENESIS_HASH)]


def test_links_follow_the_commits_and_each_names_the_one_before(committed_db):
    with committed_db.connect() as other, other.transaction():
        other.execute(INSERT)
        record("tests.deed.second")
        record("tests.deed.third")

    links = list(AuditLink.objects.select_related("entry"))
    assert [link.entry.verb for link in links] == ["tests.deed.second", "tests.deed.third", "tests.happened"]
    assert [link.position for link in links] == [1, 2, 3]
    assert [link.previous_hash for link in links] == [GENESIS_HASH, links[0].hash, links[1].hash]


def test_hash_is_that_of_the_hash_before_and_of_the_entry_as_json(committed_db):
    """Written out by hand: a copy of the rows can be checked without this code. Were the text to change, every chain
    that exists would be broken; `CANONICAL` tells how a column is added."""
    entry = AuditEntryFactory.create(
        happened_at=NOON + timedelta(microseconds=1),
        subject_type="accounts.user",
        subject_id="7",
        reason='Said "now" ünïcode, \\ and\na line.',
        before={"role": "viewer", "note": None},
        after={"b": [1, 2.50, True], "aa": {"z": "é"}},
        request_id="r",
        api_key="k",
    )

    # PostgreSQL writes the keys of JSON by length, then by bytes, and a space after each colon and comma.
    text = json.dumps(
        {
            "id": entry.pk,
            "verb": "accounts.user.role_changed",
            "after": '{"b": [1, 2.5, true], "aa": {"z": "é"}}',
            "before": '{"note": null, "role": "viewer"}',
            "reason": 'Said "now" ünïcode, \\ and\na line.',
            "api_key": "k",
            "actor_id": entry.actor_id,
            "created_at": microseconds(entry.created_at),
            "request_id": "r",
            "subject_id": "7",
            "happened_at": 1_773_316_800_000_001,
            "subject_type": "accounts.user",
        },
        ensure_ascii=False,
    )
    assert entry.link.hash == sha256((GENESIS_HASH + text).encode()).hexdigest()


def test_every_column_of_the_entry_is_hashed():
    columns = {field.column for field in AuditEntry._meta.concrete_fields}

    assert {column for column in columns if f"'{column}', " not in CANONICAL} == set()


def test_absent_value_is_told_from_an_empty_one(committed_db):
    nobody = AuditEntryFactory.create(actor=None)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CANONICAL} FROM accounts_auditentry entry WHERE id = %s", [nobody.pk])  # noqa: S608
        text = json.loads(cursor.fetchone()[0])

    assert "actor_id" not in text
    assert (text["reason"], text["before"], text["api_key"]) == ("", "{}", "")


@pytest.mark.django_db
def test_link_is_not_written_by_hand():
    link = AuditLink(position=1, entry=record("tests.deed.done"), previous_hash=GENESIS_HASH, hash=GENESIS_HASH)

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        link.save()

    assert not AuditLink.objects.exists()


def test_stored_link_is_not_saved_again(committed_db):
    link = record("tests.deed.done").link

    with pytest.raises(AppendOnlyViolation):
        link.save()


def test_link_says_where_and_what_it_is(committed_db):
    link = record("tests.deed.done").link

    assert str(link) == f"1 {link.hash}"


class TestMigration:
    @pytest.fixture
    def migrate(self, cluster, committed_db):
        def migrate(name):
            with default_connection(cluster.login(committed_db.database, OWNER)):
                call_command("migrate", "accounts", name, verbosity=0)

        return migrate

    def test_entries_that_are_there_already_are_linked_in_their_order(self, committed_db, migrate):
        migrate("0004")
        for n in range(3):
            with connection.cursor() as cursor:
                cursor.execute(
                    INSERT.replace(", api_key)", ")").replace("'', '')", "'')").replace("happened'", f"{n}'")
                )
        migrate("0005")

        record("tests.deed.next")

        assert [link.entry.verb for link in AuditLink.objects.select_related("entry")] == [
            "tests.0",
            "tests.1",
            "tests.2",
            "tests.deed.next",
        ]
        assert audit_chain.verify().checked == 4

    def test_the_way_back_leaves_the_trail_as_it_was_before_the_chain(
        self, committed_db, migrate, superuser_connection
    ):
        catalogue = """
            SELECT 'table', relname, relacl::text FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
            UNION ALL SELECT 'function', proname, proacl::text FROM pg_proc
             WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT 'trigger', tgname, tgenabled::text FROM pg_trigger
             WHERE tgrelid = 'accounts_auditentry'::regclass AND NOT tgisinternal"""

        def everything():
            return set(superuser_connection.execute(catalogue).fetchall())

        migrate("0004")
        before = everything()
        migrate("0005")
        record("tests.deed.done")
        migrate("0004")

        assert everything() == before
        assert superuser_connection.execute("SELECT verb FROM accounts_auditentry").fetchall() == [("tests.deed.done",)]

    def test_a_process_of_the_release_before_still_writes(self, committed_db, migrate):
        with connection.cursor() as cursor:
            cursor.execute(INSERT.replace(", api_key)", ")").replace("'', '')", "'')"))

        assert AuditEntry.objects.get().api_key == ""
        assert audit_chain.verify().checked == 1
