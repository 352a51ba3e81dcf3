"""Rows that are written once: the model base, and the migration operation that makes the database insist.

The base answers early and in Python. What counts is the database: triggers refuse UPDATE, DELETE and TRUNCATE whoever
asks, and the role that serves the product has not even the privilege to try.
"""

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from config.kernel.privileges import APP, REFUSAL_FUNCTION

Row = TypeVar("Row", bound=models.Model)


class AppendOnlyViolation(Exception):
    """Code of ours tried to change or delete a row that is written once: a mistake of the caller, never an answer."""

    def __init__(self, model: type[models.Model], deed: str) -> None:
        super().__init__(f"{model._meta.label} is append-only: {deed} refused. Write a new row instead.")


class AppendOnlyQuerySet(models.QuerySet[Row]):
    """Reads and inserts; everything that would change a stored row raises `AppendOnlyViolation`."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyViolation(self.model, "update")

    def bulk_update(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyViolation(self.model, "update")

    def delete(self) -> NoReturn:
        raise AppendOnlyViolation(self.model, "delete")

    def bulk_create(self, objs: Iterable[Row], *args: Any, update_conflicts: bool = False, **kwargs: Any) -> list[Row]:
        if update_conflicts:
            raise AppendOnlyViolation(self.model, "update on conflict")
        return super().bulk_create(objs, *args, **kwargs)


class AppendOnly(models.Model):
    """Base of a model whose rows never change. Its migration ends with `MakeAppendOnly`."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row; saving a stored one again raises `AppendOnlyViolation`."""
        if not self._state.adding:
            raise AppendOnlyViolation(type(self), "update")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyViolation(type(self), "delete")


class MissingRole(Exception):
    """The cluster has no serving role, so nothing could be taken away from it."""


def refusal_function_sql() -> str:
    """The one function behind every append-only table; stating it again is harmless."""
    # A fixed search_path: nobody can slip a function of their own under a name used here.
    return f"""
CREATE OR REPLACE FUNCTION public.{REFUSAL_FUNCTION}() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '42501';
END $$"""


def refusal_sql(table: str) -> list[str]:
    """Statements that make a table, or a partition, given by its quoted name append-only; may be repeated."""
    # The statement trigger also refuses statements that match no row, and TRUNCATE; the row trigger is what
    # partitions inherit, which then cannot be stated for them. ALWAYS: also for a session that plays replica.
    call = f"EXECUTE FUNCTION public.{REFUSAL_FUNCTION}()"
    return [
        f"DO $$ BEGIN CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}; "
        "EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"CREATE OR REPLACE TRIGGER append_only_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT {call}",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only_row",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only_statement",
        f'REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM "{APP}"',
    ]


class MakeAppendOnly(Operation):
    """Migration operation: from here on the model's table takes INSERT and SELECT only.

    Note for whoever writes the deeds: without UPDATE the serving role cannot `SELECT ... FOR UPDATE` either; serialise
    writers of such a table with an advisory lock.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model itself does not change."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = self._table(app_label, schema_editor, to_state)
        if table is None:
            return
        if not schema_editor.collect_sql:
            self._require_role(schema_editor)
        for statement in [refusal_function_sql(), *refusal_sql(table)]:
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = self._table(app_label, schema_editor, from_state)
        if table is None:
            return
        for statement in [
            f"DROP TRIGGER append_only_row ON {table}",
            f"DROP TRIGGER append_only_statement ON {table}",
            f'GRANT UPDATE, DELETE ON {table} TO "{APP}"',
            f"DO $$ BEGIN DROP FUNCTION public.{REFUSAL_FUNCTION}(); "
            "EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$",
        ]:
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Refuse changes to stored rows of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name.lower()}_append_only"

    def _table(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState) -> str | None:
        model = state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return None
        return schema_editor.quote_name(model._meta.db_table)

    def _require_role(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP])
            if cursor.rowcount == 0:
                raise MissingRole(
                    f'The database server has no role "{APP}", from which {self.model_name} is to be protected. '
                    "Create the roles first: python -m config.kernel.privileges --help"
                )
