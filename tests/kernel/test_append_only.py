"""Rows that are written once stay as they were written, whoever asks and however."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
import pytest
from django.db import connection, models
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState
from psycopg.errors import InsufficientPrivilege

from accounts.models import AuditEntry
from config.kernel import clock
from config.kernel.append_only import AppendOnlyViolation, MakeAppendOnly, MissingRole, refusal_sql
from config.kernel.privileges import OWNER
from tests.support.default_connection import default_connection

INSERT = """INSERT INTO accounts_auditentry
    (happened_at, verb, subject_type, subject_id, reason, before, after, request_id)
    VALUES (now(), 'tests.forged', '', '', '', '{}', '{}', '')"""
INSERT_AGAIN = "INSERT INTO accounts_auditentry SELECT * FROM accounts_auditentry"
MERGE = "MERGE INTO accounts_auditentry t USING (SELECT 1) s"

CHANGES = {
    "update": "UPDATE accounts_auditentry SET verb = 'tests.forged'",
    "update of no row": "UPDATE accounts_auditentry SET verb = 'tests.forged' WHERE false",
    "update in a WITH": "WITH forged AS (UPDATE accounts_auditentry SET verb = 'x' RETURNING 1) SELECT 1",
    "delete": "DELETE FROM accounts_auditentry",
    "delete of no row": "DELETE FROM accounts_auditentry WHERE false",
    "truncate": "TRUNCATE accounts_auditentry, accounts_auditlink",
    "truncate with others": "TRUNCATE accounts_auditentry RESTART IDENTITY CASCADE",
    "truncate of what it refers to": "TRUNCATE accounts_user CASCADE",
    "merge that deletes": MERGE + " ON true WHEN MATCHED THEN DELETE",
    "merge that deletes no row": MERGE + " ON false WHEN MATCHED THEN DELETE",
    "merge that updates": MERGE + " ON true WHEN MATCHED THEN UPDATE SET verb = 'x'",
    "update on conflict": INSERT_AGAIN + " ON CONFLICT (id) DO UPDATE SET verb = 'x'",
    "update on a conflict that is none": INSERT + " ON CONFLICT (id) DO UPDATE SET verb = 'x'",
}
DETOURS = {
    "disable the triggers": "ALTER TABLE accounts_auditentry DISABLE TRIGGER ALL",
    "drop a trigger": "DROP TRIGGER append_only_row ON accounts_auditentry",
    "replace the function": "CREATE OR REPLACE FUNCTION public.refuse_change_of_append_only() RETURNS trigger "
    "LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "drop the function": "DROP FUNCTION public.refuse_change_of_append_only() CASCADE",
    "a function in the schema": "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL'",
    "a rule": "CREATE RULE forged AS ON INSERT TO accounts_auditentry DO INSTEAD NOTHING",
    "drop the table": "DROP TABLE accounts_auditentry",
    "rename the table": "ALTER TABLE accounts_auditentry RENAME TO gone",
    "take the table over": "ALTER TABLE accounts_auditentry OWNER TO app",
    "play replica": "SET session_replication_role = replica",
    "become the owner": "SET ROLE owner",
    "become the owner for the session": "SET SESSION AUTHORIZATION owner",
    "become a member of the owner": "GRANT owner TO app",
    "become a superuser": "ALTER ROLE app SUPERUSER",
    "a new role": "CREATE ROLE intruder",
    "lock everybody out": "DO $$ BEGIN LOCK TABLE accounts_auditentry IN ACCESS EXCLUSIVE MODE; END $$",
    "lock the rows": "SELECT * FROM accounts_auditentry FOR UPDATE",
    "a program": "COPY accounts_auditentry FROM PROGRAM 'true'",
    "a file of the server": "SELECT pg_read_file('PG_VERSION')",
    "a schema": "CREATE SCHEMA intruder",
    "a table": "CREATE TABLE intruder ()",
}
OF_A_SUPERUSER = ["play replica", "become a superuser", "a new role", "a program", "a file of the server"]


@pytest.fixture
def entry(committed_db) -> AuditEntry:
    return AuditEntry.objects.create(verb="tests.happened", happened_at=clock.now(), reason="It did.")


def stored(superuser: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return superuser.execute("SELECT * FROM accounts_auditentry ORDER BY id").fetchall()


def outcomes(attacker: psycopg.Connection[Any], attacks: Mapping[str, str], superuser: psycopg.Connection[Any]):
    """What became of each attack: the SQLSTATE of its refusal, or that it went through, or that it changed the rows."""
    before = stored(superuser)
    found: dict[str, str | None] = {}
    assert len(before) == 1
    for name, statement in attacks.items():
        try:
            attacker.execute(statement)
            found[name] = "went through"
        except psycopg.Error as error:
            found[name] = error.sqlstate
        if stored(superuser) != before:
            found[name] = "changed the rows"
    return found


def all_refused(attacks: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(attacks, "42501")


@pytest.fixture
def app_connection(committed_db):
    with committed_db.connect() as attacker:
        yield attacker


def test_the_serving_role_appends_and_reads(entry, app_connection):
    app_connection.execute(INSERT)

    found = app_connection.execute("SELECT verb FROM accounts_auditentry ORDER BY id").fetchall()
    assert found == [("tests.happened",), ("tests.forged",)]


def test_the_serving_role_changes_nothing(entry, app_connection, superuser_connection):
    assert outcomes(app_connection, CHANGES, superuser_connection) == all_refused(CHANGES)


def test_the_serving_role_finds_no_detour(entry, app_connection, superuser_connection):
    assert outcomes(app_connection, DETOURS, superuser_connection) == all_refused(DETOURS)


def test_the_owner_is_refused_by_the_triggers(entry, owner_connection, superuser_connection):
    assert outcomes(owner_connection, CHANGES, superuser_connection) == all_refused(CHANGES)


def test_the_owner_is_no_superuser(entry, owner_connection, superuser_connection):
    attacks = {name: DETOURS[name] for name in OF_A_SUPERUSER}

    assert outcomes(owner_connection, attacks, superuser_connection) == all_refused(attacks)


def test_the_triggers_also_fire_for_a_superuser_who_plays_replica(entry, cluster, committed_db, superuser_connection):
    with cluster.login(committed_db.database).connect() as attacker:
        attacker.execute("SET session_replication_role = replica")

        assert outcomes(attacker, CHANGES, superuser_connection) == all_refused(CHANGES)


def test_a_function_of_the_same_name_elsewhere_changes_nothing(entry, app_connection, superuser_connection):
    # A session may have temporary objects of its own and look there first.
    app_connection.execute("CREATE TEMPORARY TABLE accounts_auditentry (verb text)")
    app_connection.execute("SET search_path = pg_temp, public")
    attacks = {"delete": "DELETE FROM public.accounts_auditentry"}

    assert outcomes(app_connection, attacks, superuser_connection) == all_refused(attacks)


@pytest.mark.django_db
class TestInPython:
    @pytest.fixture
    def entry(self) -> AuditEntry:
        return AuditEntry.objects.create(verb="tests.happened", happened_at=clock.now())

    @pytest.mark.parametrize(
        "change",
        [
            lambda entry: entry.save(),
            lambda entry: entry.save(update_fields=["verb"]),
            lambda entry: entry.delete(),
            lambda entry: AuditEntry.objects.filter(pk=entry.pk).update(verb="tests.forged"),
            lambda entry: AuditEntry.objects.filter(pk=entry.pk).delete(),
            lambda entry: AuditEntry.objects.bulk_update([entry], ["verb"]),
            lambda entry: AuditEntry.objects.bulk_create(
                [entry], update_conflicts=True, update_fields=["verb"], unique_fields=["id"]
            ),
        ],
    )
    def test_a_stored_row_is_not_changed(self, entry, change):
        entry.verb = "tests.forged"

        with pytest.raises(AppendOnlyViolation):
            change(entry)

        assert AuditEntry.objects.verbs() == ["tests.happened"]

    def test_the_refusal_names_the_model(self, entry):
        with pytest.raises(AppendOnlyViolation, match=r"^accounts\.AuditEntry is append-only: update refused"):
            entry.save()

    def test_a_row_is_never_saved_over_another(self, entry):
        twin = AuditEntry(pk=entry.pk, verb="tests.second", happened_at=clock.now())

        twin.save()

        assert twin.pk != entry.pk
        assert AuditEntry.objects.order_by("pk").verbs() == ["tests.happened", "tests.second"]

    def test_new_rows_are_stored_together(self, entry):
        AuditEntry.objects.bulk_create([AuditEntry(verb=f"tests.{n}", happened_at=clock.now()) for n in range(2)])

        assert sorted(AuditEntry.objects.verbs()) == ["tests.0", "tests.1", "tests.happened"]


class TestOperation:
    """The migration operation, on a table that is made for the purpose."""

    @pytest.fixture
    def as_owner(self, cluster, committed_db):
        with default_connection(cluster.login(committed_db.database, OWNER)):
            yield

    @pytest.fixture
    def state(self, as_owner) -> ProjectState:
        state = ProjectState()
        create = CreateModel("Note", [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField())])
        create.state_forwards("notes", state)
        with connection.schema_editor() as editor:
            create.database_forwards("notes", editor, ProjectState(), state)
        return state

    def apply(self, state: ProjectState) -> None:
        with connection.schema_editor() as editor:
            MakeAppendOnly("Note").database_forwards("notes", editor, state, state)

    def revert(self, state: ProjectState) -> None:
        with connection.schema_editor() as editor:
            MakeAppendOnly("Note").database_backwards("notes", editor, state, state)

    def test_forwards_closes_the_table(self, state, app_connection):
        self.apply(state)
        app_connection.execute("INSERT INTO notes_note (text) VALUES ('first')")

        with pytest.raises(InsufficientPrivilege):
            app_connection.execute("UPDATE notes_note SET text = 'forged'")

        assert app_connection.execute("SELECT text FROM notes_note").fetchall() == [("first",)]

    def test_backwards_opens_it_again_as_it_was(self, state, app_connection, superuser_connection):
        rights = "SELECT relacl::text FROM pg_class WHERE relname = 'notes_note'"
        before = superuser_connection.execute(rights).fetchone()
        self.apply(state)
        self.revert(state)
        app_connection.execute("INSERT INTO notes_note (text) VALUES ('first')")

        app_connection.execute("UPDATE notes_note SET text = 'second'")

        assert app_connection.execute("DELETE FROM notes_note RETURNING text").fetchall() == [("second",)]
        assert superuser_connection.execute(rights).fetchone() == before

    def test_other_tables_stay_closed_on_the_way_back(
        self, state, entry, app_connection, owner_connection, superuser_connection
    ):
        self.apply(state)
        self.revert(state)

        for attacker in (app_connection, owner_connection):
            assert outcomes(attacker, CHANGES, superuser_connection) == all_refused(CHANGES)

    def test_applying_it_twice_is_harmless(self, state, app_connection):
        self.apply(state)
        self.apply(state)

        with pytest.raises(InsufficientPrivilege):
            app_connection.execute("DELETE FROM notes_note")

    def test_a_partition_is_closed_too(self, as_owner, owner_connection, app_connection, superuser_connection):
        owner_connection.execute("CREATE TABLE events (at date) PARTITION BY RANGE (at)")
        for statement in refusal_sql("events"):
            owner_connection.execute(statement)
        owner_connection.execute(
            "CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
        )
        for statement in refusal_sql("events_2026"):
            owner_connection.execute(statement)
        app_connection.execute("INSERT INTO events VALUES ('2026-05-05')")

        for attacker in (app_connection, owner_connection):
            for change in ("UPDATE events_2026 SET at = '2026-01-01'", "DELETE FROM events", "TRUNCATE events_2026"):
                with pytest.raises(InsufficientPrivilege):
                    attacker.execute(change)

        assert superuser_connection.execute("SELECT at::text FROM events").fetchall() == [("2026-05-05",)]

    def test_a_server_without_the_serving_role_is_named_as_the_reason(self, state, monkeypatch):
        monkeypatch.setattr("config.kernel.append_only.APP", "nobody_of_this_name")

        with pytest.raises(MissingRole, match=r'no role "nobody_of_this_name".*python -m config.kernel.privileges'):
            self.apply(state)

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'notes_note'::regclass")
            assert cursor.fetchone() == (0,)

    def test_it_can_be_written_as_sql_without_a_role(self, state, monkeypatch):
        monkeypatch.setattr("config.kernel.append_only.APP", "nobody_of_this_name")
        with connection.schema_editor(collect_sql=True) as editor:
            MakeAppendOnly("Note").database_forwards("notes", editor, state, state)

        assert any("BEFORE UPDATE OR DELETE OR TRUNCATE" in statement for statement in editor.collected_sql)

    def test_databases_of_others_are_left_alone(self, state, settings, app_connection):
        settings.DATABASE_ROUTERS = [type("Elsewhere", (), {"allow_migrate": lambda self, *_, **__: False})()]
        self.apply(state)
        self.revert(state)
        app_connection.execute("INSERT INTO notes_note (text) VALUES ('first')")

        assert app_connection.execute("UPDATE notes_note SET text = 'second'").rowcount == 1

    def test_it_says_what_it_does(self):
        operation = MakeAppendOnly("Note")

        assert operation.describe() == "Refuse changes to stored rows of Note"
        assert operation.migration_name_fragment == "note_append_only"
        assert operation.deconstruct() == ("MakeAppendOnly", ("Note",), {})
