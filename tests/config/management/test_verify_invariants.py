from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import Job
from config import invariants
from config.kernel import clock, partitions
from config.kernel.partitions import Period
from markets.actions import bars
from markets.runs import sync
from tests.accounts.factories import NOON, JobFactory
from tests.markets.factories import AssetFactory, SnapshotFactory, store_daily_bars

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def verify() -> list[str]:
    """The lines about what is wrong; empty when all is well."""
    connection.check_constraints()  # links of the audit trail are written when a transaction ends, and these do not
    out, error = StringIO(), ""
    try:
        call_command("verify_invariants", stdout=out)
    except CommandError as raised:
        error = str(raised)
    lines = out.getvalue().splitlines()
    broken = sum(line.startswith("BROKEN") for line in lines)
    assert error == (f"{broken} of {len(invariants.CHECKS)} invariants do not hold." if broken else "")
    return [line.strip() for line in lines if line.startswith("  ")]


def requested() -> Job:
    return sync.request(None, sync.Parameters(), at=NOON)


def test_all_is_well_with_jobs_in_every_state() -> None:
    requested()
    jobs.start(requested().pk, holder=Holder.current())
    jobs.succeed(jobs.start(requested().pk, holder=Holder.current()), result={})

    assert verify() == []


def test_job_that_nobody_asked_for_is_named() -> None:
    job = JobFactory.create()

    assert verify() == [f"job {job.pk} is not in the audit trail"]


def test_job_whose_worker_fell_silent_long_ago_is_named() -> None:
    job = jobs.start(requested().pk, holder=Holder("here", 1, "2"))
    Job.objects.update(lease_until=Now() - timedelta(seconds=134))
    assert verify() == []

    Job.objects.update(lease_until=Now() - timedelta(seconds=136))

    assert verify() == [f"job {job.pk} is held by here:1:2, silent since {job.heartbeat_at}"]


def test_job_that_waits_without_attempts_is_named() -> None:
    job = requested()
    Job.objects.update(attempt=3, started_at=NOON)

    assert verify() == [f"job {job.pk} waits and has no attempts left"]


def test_rows_and_periods_without_a_partition_are_named() -> None:
    SnapshotFactory.create(at=clock.now())
    partitions.ensure(bars.TABLE, [Period.year(2020)])

    year = clock.now().year
    assert [line for line in verify() if "dailybar" in line] == [f"markets_dailybar has no partition {year}"]


def test_row_in_the_default_partition_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO markets_snapshot_default (asset_id, at, source_id) VALUES (1, '1999-01-01T00:00Z', 1)"
        )

    assert verify() == ["markets_snapshot has rows in its default partition"]


def test_trail_that_can_be_changed_is_named(committed_db, owner_connection) -> None:
    owner_connection.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER append_only_row")

    assert verify() == ["the audit trail does not refuse changes"]


def test_duplicate_bars_would_be_named(committed_db, owner_connection) -> None:
    asset = AssetFactory.create()
    store_daily_bars(asset, clock.now().date(), [1.0])
    owner_connection.execute("ALTER TABLE markets_dailybar DROP CONSTRAINT markets_dailybar_pkey")
    owner_connection.execute("INSERT INTO markets_dailybar SELECT * FROM markets_dailybar")

    assert verify() == [f"asset {asset.pk} has 2 bars of {clock.now().date()}"]
