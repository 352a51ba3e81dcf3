"""Whoever serves the product cannot change its audit trail; whoever can is found out."""
# ruff: noqa: S608  # statements are what these tests are about, and nobody else has a hand in them

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from accounts.actions import audit
from accounts.models import AuditEntry, AuditLink
from accounts.queries import audit_chain
from config.kernel.privileges import grant_sql
from tests.accounts.factories import NOON, UserFactory
from tests.support.cluster import Login
from tests.support.processes import eventually
from tests.support.trail import INSERT, stored, tamper

pytestmark = pytest.mark.integration

FORGED_LINK = f"""INSERT INTO accounts_auditlink (position, entry_id, previous_hash, hash)
    VALUES (9, 1, '{"0" * 64}', '{"0" * 64}')"""

CHANGES = {
    "update": "UPDATE accounts_auditentry SET verb = 'x'",
    "update of no row": "UPDATE accounts_auditentry SET verb = 'x' WHERE false",
    "delete": "DELETE FROM accounts_auditentry",
    "delete of no row": "DELETE FROM accounts_auditentry WHERE false",
    "truncate": "TRUNCATE accounts_auditentry",
    "truncate with its chain": "TRUNCATE accounts_auditentry, accounts_auditlink",
    "truncate with whatever refers to it": "TRUNCATE accounts_auditentry CASCADE",
    "merge that deletes": "MERGE INTO accounts_auditentry USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "merge that deletes no row": "MERGE INTO accounts_auditentry USING (SELECT 1) s ON false WHEN MATCHED THEN DELETE",
    "update on conflict": INSERT + " ON CONFLICT (id) DO UPDATE SET verb = 'x'",
    "lock the rows": "SELECT FROM accounts_auditentry FOR UPDATE",
}
CHANGES_OF_THE_CHAIN = {
    "a link of one's own": FORGED_LINK,
    "no link of one's own": "INSERT INTO accounts_auditlink SELECT * FROM accounts_auditlink WHERE false",
    "a link by COPY": "COPY accounts_auditlink FROM STDIN",
    "update": "UPDATE accounts_auditlink SET hash = ''",
    "update of no row": "UPDATE accounts_auditlink SET hash = '' WHERE false",
    "delete": "DELETE FROM accounts_auditlink",
    "delete of no row": "DELETE FROM accounts_auditlink WHERE false",
    "truncate": "TRUNCATE accounts_auditlink CASCADE",
    "merge that deletes": "MERGE INTO accounts_auditlink USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "update on conflict": FORGED_LINK + " ON CONFLICT (position) DO UPDATE SET hash = ''",
    "lock the rows": "SELECT FROM accounts_auditlink FOR UPDATE",
    "ask for a link": "INSERT INTO accounts_audit_unlinked VALUES (1)",
    "withdraw what waits for a link": "DELETE FROM accounts_audit_unlinked",
    "call the function that links": "SELECT audit_link_write()",
    "call the function that asks for links": "SELECT audit_entry_await_link()",
    "call the function that stamps": "SELECT audit_entry_stamp()",
}
DETOURS = {
    "disable the triggers": "ALTER TABLE accounts_auditentry DISABLE TRIGGER ALL",
    "disable the refusal": "ALTER TABLE accounts_auditentry DISABLE TRIGGER append_only_statement",
    "disable the chain": "ALTER TABLE accounts_auditentry DISABLE TRIGGER audit_entry_await_link",
    "disable the refusals of the chain": "ALTER TABLE accounts_auditlink DISABLE TRIGGER ALL",
    "drop the stamp": "DROP TRIGGER audit_entry_stamp ON accounts_auditentry",
    "drop the chain's trigger": "DROP TRIGGER audit_link_write ON accounts_audit_unlinked",
    "drop the table": "DROP TABLE accounts_auditentry CASCADE",
    "drop the chain": "DROP TABLE accounts_auditlink",
    "a rule": "CREATE RULE forged AS ON UPDATE TO accounts_auditentry DO INSTEAD NOTHING",
    "a trigger": "CREATE TRIGGER forged BEFORE INSERT ON accounts_auditlink FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    **{
        f"replace {name}": f"CREATE OR REPLACE FUNCTION public.{name}() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN OLD; END'"
        for name in (
            "refuse_change_of_append_only",
            "refuse_hands_other_than_owners",
            "audit_entry_stamp",
            "audit_entry_await_link",
            "audit_link_write",
        )
    },
    "play replica": "SET session_replication_role = replica",
    "become the owner": "SET ROLE owner",
    "become a superuser": "ALTER ROLE app SUPERUSER",
    "a program": "COPY accounts_auditentry FROM PROGRAM 'true'",
    "a file of the server": "SELECT pg_read_file('/etc/passwd')",
    "lock everybody out": "DO $$ BEGIN LOCK TABLE accounts_auditentry IN ACCESS EXCLUSIVE MODE; END $$",
    "lock everybody out of the chain": "DO $$ BEGIN LOCK TABLE accounts_auditlink IN ACCESS EXCLUSIVE MODE; END $$",
    "a function in the schema": "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
    "an operator in the schema": "CREATE OPERATOR public.|| (FUNCTION = textcat, LEFTARG = text, RIGHTARG = text)",
}
ATTACKS = {
    **{f"entries: {name}": statement for name, statement in CHANGES.items()},
    **{f"chain: {name}": statement for name, statement in CHANGES_OF_THE_CHAIN.items()},
    **DETOURS,
}


@pytest.fixture
def entries(committed_db: Login) -> list[AuditEntry]:
    return [audit.record(f"tests.deed.{n}", actor=None, subject=None, at=NOON, reason=f"No. {n}") for n in range(1, 5)]


@pytest.fixture
def app_connection(committed_db: Login) -> Iterator[psycopg.Connection[Any]]:
    with committed_db.connect() as connection:
        yield connection


def outcomes(
    attacker: psycopg.Connection[Any], attacks: Mapping[str, str], superuser: psycopg.Connection[Any]
) -> dict[str, str | None]:
    """What became of each attack: the SQLSTATE of its refusal, or that it went through, or that it changed rows."""
    before = stored(superuser)
    found: dict[str, str | None] = {}
    assert all(len(rows) == 4 for rows in before.values())
    for name, statement in attacks.items():
        try:
            attacker.execute(statement)
            found[name] = "went through"
        except psycopg.Error as error:
            found[name] = error.sqlstate
        if stored(superuser) != before:
            found[name] = "changed the rows"
    return found


def verify(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("audit_verify", *arguments, stdout=out)
    return out.getvalue().splitlines()


def complaint(*arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        verify(*arguments)
    assert refused.value.returncode == 1
    return str(refused.value).splitlines()[0]


class TestTheServingRole:
    def test_it_is_refused_whatever_it_tries(self, entries, app_connection, superuser_connection):
        assert outcomes(app_connection, ATTACKS, superuser_connection) == dict.fromkeys(ATTACKS, "42501")
        assert audit_chain.verify().is_intact

    def test_it_is_refused_after_the_grants_were_repeated(
        self, entries, app_connection, owner_connection, superuser_connection
    ):
        owner_connection.execute(grant_sql())

        assert outcomes(app_connection, ATTACKS, superuser_connection) == dict.fromkeys(ATTACKS, "42501")

    def test_it_hangs_no_function_of_the_chain_on_rows_of_its_own(self, entries, app_connection, superuser_connection):
        # Such a function runs with the owner's rights on whatever row its trigger hands to it.
        app_connection.execute("CREATE TEMPORARY TABLE mine (id bigint, entry_id bigint)")
        attacks = {
            name: f"CREATE TRIGGER {name} AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION public.{name}()"
            for name in ("audit_link_write", "audit_entry_await_link", "audit_entry_stamp")
        }

        assert outcomes(app_connection, attacks, superuser_connection) == dict.fromkeys(attacks, "42501")

    def test_it_appends(self, entries, app_connection):
        app_connection.execute(INSERT)

        assert AuditEntry.objects.order_by("pk").verbs()[-1] == "tests.happened"
        assert audit_chain.verify().checked == 5

    def test_its_own_id_and_time_have_no_effect(self, entries, app_connection):
        (id_, is_now) = app_connection.execute(
            """INSERT INTO accounts_auditentry
                (id, created_at, happened_at, verb, subject_type, subject_id, reason, before, after, request_id)
            OVERRIDING SYSTEM VALUE
            VALUES (1, '1999-01-01Z', now(), 'tests.forged', '', '', '', '{}', '{}', '')
            RETURNING id, created_at BETWEEN now() AND clock_timestamp()"""
        ).fetchone()

        assert is_now
        assert id_ > max(entry.pk for entry in entries)
        assert audit_chain.verify().is_intact

    def test_entries_by_copy_are_stamped_and_linked_too(self, entries, app_connection):
        with app_connection.cursor().copy(
            "COPY accounts_auditentry"
            " (id, created_at, happened_at, verb, subject_type, subject_id, reason, before, after, request_id)"
            " FROM STDIN"
        ) as copy:
            copy.write_row([1, "1999-01-01Z", NOON, "tests.copied", "", "", "", "{}", "{}", ""])

        copied = AuditEntry.objects.get(verb="tests.copied")
        assert copied.created_at.year > 1999
        assert copied.link.position == 5
        assert audit_chain.verify().is_intact

    def test_checking_constraints_early_links_the_same(self, entries, app_connection):
        with app_connection.transaction():
            app_connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            app_connection.execute(INSERT)
            app_connection.execute(INSERT)

        assert audit_chain.verify().checked == 6

    def test_what_it_takes_back_leaves_no_gap(self, entries, app_connection):
        with app_connection.transaction(force_rollback=True):
            app_connection.execute(INSERT)
            app_connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with app_connection.transaction():
            app_connection.execute(INSERT)
            with app_connection.transaction(force_rollback=True):
                app_connection.execute(INSERT)

        assert audit_chain.verify().head.position == 5

    def test_an_old_snapshot_forks_nothing(self, entries, app_connection):
        app_connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        app_connection.autocommit = False
        app_connection.execute("SELECT count(*) FROM accounts_auditlink")
        audit.record("tests.deed.meanwhile", actor=None, subject=None, at=NOON)
        app_connection.execute(INSERT)

        with pytest.raises(psycopg.errors.UniqueViolation):
            app_connection.commit()

        assert audit_chain.verify().head.position == 5
        assert AuditEntry.objects.count() == 5


class TestTheOwner:
    def test_the_triggers_refuse_it_too(self, entries, owner_connection, superuser_connection):
        changes = {
            name: statement.replace("TRUNCATE accounts_auditlink CASCADE", "TRUNCATE accounts_auditlink")
            for name, statement in [
                *((f"entries: {name}", CHANGES[name]) for name in CHANGES if name not in ("truncate", "lock the rows")),
                *((f"chain: {name}", CHANGES_OF_THE_CHAIN[name]) for name in ("update", "delete", "truncate")),
            ]
        }

        assert outcomes(owner_connection, changes, superuser_connection) == dict.fromkeys(changes, "42501")

    def test_a_superuser_does_not_write_links_in_passing(self, entries, superuser_connection):
        attacks = {"a link": FORGED_LINK, "ask for a link": "INSERT INTO accounts_audit_unlinked VALUES (1)"}

        assert outcomes(superuser_connection, attacks, superuser_connection) == dict.fromkeys(attacks, "42501")


class TestTamperingIsFound:
    """By whoever has the server in their hands, and disables what stands in the way."""

    def test_one_byte_of_an_entry(self, entries, superuser_connection):
        tamper(superuser_connection, "UPDATE accounts_auditentry SET reason = 'No, 2' WHERE verb = 'tests.deed.2'")

        assert complaint() == (
            f"BROKEN: the entry or its link at position 2 is not as it was written. Entry {entries[1].pk}."
        )

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("created_at", "created_at + interval '1 microsecond'"),
            ("happened_at", "'infinity'"),
            ("actor_id", "(SELECT id FROM accounts_user)"),
            ("verb", "'tests.deed.x'"),
            ("subject_type", "'accounts.user'"),
            ("subject_id", "'1'"),
            ("reason", "''"),
            ("before", """'{"a": null}'"""),
            ("after", "'[]'"),
            ("request_id", "'1'"),
            ("api_key", "'1'"),
        ],
    )
    def test_any_column_of_an_entry(self, entries, superuser_connection, column, value):
        UserFactory.create()
        tamper(superuser_connection, f"UPDATE accounts_auditentry SET {column} = {value} WHERE verb = 'tests.deed.3'")

        assert complaint().endswith(f"at position 3 is not as it was written. Entry {entries[2].pk}.")

    def test_a_deleted_entry(self, entries, superuser_connection):
        tamper(superuser_connection, "DELETE FROM accounts_auditentry WHERE verb = 'tests.deed.3'")

        assert complaint() == f"BROKEN: the entry at position 3 is gone. Entry {entries[2].pk}."

    def test_an_entry_deleted_with_its_link(self, entries, superuser_connection):
        tamper(
            superuser_connection,
            f"DELETE FROM accounts_auditlink WHERE entry_id = {entries[1].pk}",
            f"DELETE FROM accounts_auditentry WHERE id = {entries[1].pk}",
        )

        assert complaint() == "BROKEN: position 2 is missing."

    def test_a_deleted_link(self, entries, superuser_connection):
        tamper(superuser_connection, "DELETE FROM accounts_auditlink WHERE position = 2")

        assert complaint() == f"BROKEN: position 2 is missing. Entry {entries[1].pk}."

    def test_an_entry_that_was_slipped_in(self, entries, superuser_connection):
        tamper(
            superuser_connection,
            INSERT.replace("(happened_at", "(id, created_at, happened_at").replace("(now()", "(77, now(), now()"),
        )

        assert complaint() == "BROKEN: the entry has 0 links instead of one. Entry 77."

    def test_an_entry_with_two_links(self, entries, superuser_connection):
        (names,) = superuser_connection.execute(
            "SELECT string_agg(format('DROP CONSTRAINT %I', conname), ', ') FROM pg_constraint"
            " WHERE conrelid = 'accounts_auditlink'::regclass AND contype = 'u'"
        ).fetchone()
        superuser_connection.execute(f"ALTER TABLE accounts_auditlink {names}")
        link = AuditLink.objects.get(position=4)
        # What the owner's own function would have written had it been asked twice.
        tamper(superuser_connection, "ALTER TABLE accounts_audit_unlinked DISABLE TRIGGER owner_only")
        superuser_connection.execute("INSERT INTO accounts_audit_unlinked VALUES (%s)", [link.entry_id])

        assert audit_chain.head().position == 5
        assert complaint() == f"BROKEN: the entry has 2 links instead of one. Entry {link.entry_id}."

    def test_a_link_with_another_hash(self, entries, superuser_connection):
        tamper(superuser_connection, f"UPDATE accounts_auditlink SET hash = '{'f' * 64}' WHERE position = 2")

        assert complaint().startswith("BROKEN: the entry or its link at position 2 is not as it was written.")

    def test_a_link_that_names_another_before_it(self, entries, superuser_connection):
        tamper(superuser_connection, f"UPDATE accounts_auditlink SET previous_hash = '{'f' * 64}' WHERE position = 3")

        assert complaint() == (
            f"BROKEN: position 3 names another hash than that of the link before it. Entry {entries[2].pk}."
        )

    def test_entries_that_changed_places(self, entries, superuser_connection):
        tamper(
            superuser_connection,
            "ALTER TABLE accounts_auditlink DROP CONSTRAINT accounts_auditlink_pkey",
            "UPDATE accounts_auditlink SET position = 5 - position WHERE position IN (2, 3)",
        )

        assert complaint().startswith("BROKEN: position 2 names another hash than that of the link before it.")

    def test_a_cut_tail_by_a_head_that_was_known(self, entries, superuser_connection):
        known = audit_chain.head()
        tamper(
            superuser_connection,
            "DELETE FROM accounts_auditlink WHERE position > 2",
            f"DELETE FROM accounts_auditentry WHERE id > {entries[1].pk}",
        )

        assert verify()[-1] == "intact"
        assert complaint("--expect-head", known.hash) == (
            f"BROKEN: the expected head {known.hash} is not in the chain from position 1."
        )

    def test_a_chain_computed_anew_by_a_head_that_was_known(self, entries, superuser_connection):
        known = audit_chain.head()
        # All of it as its function writes it, after the deed was changed.
        tamper(
            superuser_connection,
            "UPDATE accounts_auditentry SET reason = 'Another.' WHERE verb = 'tests.deed.2'",
            "DELETE FROM accounts_auditlink",
            "ALTER TABLE accounts_audit_unlinked DISABLE TRIGGER owner_only",
        )
        superuser_connection.execute(
            "INSERT INTO accounts_audit_unlinked SELECT id FROM accounts_auditentry ORDER BY id"
        )

        assert verify()[-1] == "intact"
        assert complaint("--expect-head", known.hash).endswith("is not in the chain from position 1.")


class TestMoreThanOneAtATime:
    def test_160_entries_of_8_sessions_make_one_chain(self, committed_db):
        def write(session: int) -> None:
            with committed_db.connect() as connection:
                for _ in range(20):
                    connection.execute(INSERT)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write, range(8)))

        verdict = audit_chain.verify()
        assert (verdict.is_intact, verdict.checked, AuditEntry.objects.count()) == (True, 160, 160)

    @pytest.fixture
    def sessions(self, committed_db: Login) -> Iterator[list[psycopg.Connection[Any]]]:
        with committed_db.connect() as first, committed_db.connect() as second:
            yield [first, second]

    @staticmethod
    def waits(superuser: psycopg.Connection[Any], waiting: psycopg.Connection[Any]) -> bool:
        question = "SELECT WHERE cardinality(pg_blocking_pids(%s)) > 0"
        return superuser.execute(question, [waiting.info.backend_pid]).rowcount == 1

    def test_a_row_that_one_waits_for_after_recording_is_given_free(self, sessions, superuser_connection):
        first, second = sessions
        person = UserFactory.create()
        lock = "SELECT FROM accounts_user WHERE id = %s FOR UPDATE"

        with ThreadPoolExecutor(1) as thread:
            with first.transaction():
                first.execute(lock, [person.pk])

                def record_then_lock() -> None:
                    with second.transaction():
                        second.execute(INSERT)
                        second.execute(lock, [person.pk])

                done = thread.submit(record_then_lock)
                eventually(lambda: self.waits(superuser_connection, second))
                first.execute(INSERT)
            done.result()

        assert audit_chain.verify().checked == 2

    def test_a_row_that_one_refers_to_after_recording_is_given_free(self, sessions, superuser_connection):
        # The reference is checked at COMMIT, in the order of the statements: after the first entry's turn.
        first, second = sessions
        person = UserFactory.create()

        with ThreadPoolExecutor(1) as thread:
            with first.transaction():
                first.execute("SELECT FROM accounts_user WHERE id = %s FOR UPDATE", [person.pk])

                def record_twice() -> None:
                    with second.transaction():
                        second.execute(INSERT)
                        second.execute(
                            INSERT.replace("(happened_at", "(actor_id, happened_at").replace(
                                "(now()", f"({person.pk}, now()"
                            )
                        )

                done = thread.submit(record_twice)
                eventually(lambda: self.waits(superuser_connection, second))
                first.execute(INSERT)
            done.result()

        assert audit_chain.verify().checked == 3
