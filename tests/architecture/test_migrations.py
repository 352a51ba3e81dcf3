"""Migrations say all that the models say, in words every supported server knows."""

import re
from pathlib import Path

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import CommandError, call_command
from django.db.migrations import AddIndex, CreateModel, Migration
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = sorted(ROOT.glob("*/migrations/[0-9]*.py"))
# PostgreSQL 15 is the oldest server; these came later, or need an extension or a build option that not every one has.
TOO_NEW = re.compile(
    r"""\b(
        uuidv7 | uuidv4 | GENERATED\s+ALWAYS\s+AS\s*\([^)]*\)\s*VIRTUAL | WITHOUT\s+OVERLAPS | NOT\s+ENFORCED
        | MERGE\s+PARTITIONS | SPLIT\s+PARTITION | JSON_TABLE | ANY_VALUE | random_normal | array_shuffle | array_sample
        | pg_c_utf8 | CREATE\s+EXTENSION | pgcrypto | citext | gen_random_bytes | transaction_timeout
        | RETURNING\s+(?:old|new)\.
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


@pytest.mark.django_db
def test_no_migration_is_missing():
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    except (SystemExit, CommandError) as problem:
        pytest.fail(f"A model changed without a migration ({problem}): python manage.py makemigrations")


@pytest.mark.parametrize("file", MIGRATIONS, ids=lambda file: f"{file.parts[-3]}/{file.name}")
def test_migrations_run_on_the_oldest_server(file):
    assert [match[0] for match in TOO_NEW.finditer(file.read_text())] == []


@pytest.mark.parametrize("file", MIGRATIONS, ids=lambda file: f"{file.parts[-3]}/{file.name}")
def test_migrations_are_named_by_intent(file):
    assert not re.search(r"_auto_|\d{8}", file.stem)


LOCKS_FILLED_TABLES = {"accounts/0006_job_leases", "risk/0003_scores_at_size"}
"""From before the first release, which creates these tables empty."""


def locking_indexes(migration: Migration) -> list[str]:
    """Names of the indexes for which tables that were there before are locked."""
    operations = migration.operations
    created = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}
    return [
        operation.index.name
        for operation in operations
        if isinstance(operation, AddIndex)
        and not isinstance(operation, AddIndexConcurrently)
        and operation.model_name_lower not in created
    ]


def test_no_later_migration_locks_a_filled_table_to_build_an_index():
    migrations = MigrationLoader(None).disk_migrations
    ours = {file.parts[-3] for file in MIGRATIONS}

    found = {f"{app}/{name}" for (app, name), one in migrations.items() if app in ours and locking_indexes(one)}
    assert found == LOCKS_FILLED_TABLES


@pytest.mark.parametrize("words", ["uuidv7()", "EXCLUDE (a WITHOUT OVERLAPS)", "create extension citext"])
def test_the_list_of_words_finds_what_it_is_for(words):
    assert TOO_NEW.search(words)
