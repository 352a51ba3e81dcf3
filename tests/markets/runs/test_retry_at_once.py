"""A retry beside a sync: both want the quotes and the record, and take them in one order."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.roles import Role
from markets.actions import quotes
from markets.models import QuarantinedRecord
from markets.runs import retry
from tests.accounts.factories import UserFactory
from tests.markets.runs.test_retry import LATER, held_back
from tests.support.processes import eventually

pytestmark = pytest.mark.integration

WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s"


def test_retry_that_waits_for_a_sync_leaves_it_the_record(superuser_connection: psycopg.Connection[Any]) -> None:
    record = held_back()
    moderator = UserFactory.create(role=Role.MODERATOR)

    def perform() -> None:
        retry.perform(record, by=moderator, reason="Sure.", at=LATER)
        connection.close()

    retrying = threading.Thread(target=perform)
    with superuser_connection.transaction():
        superuser_connection.execute("SELECT pg_advisory_xact_lock(%s)", [quotes._LOCK])
        retrying.start()
        eventually(lambda: superuser_connection.execute(WAITING, [quotes._LOCK]).rowcount == 1)

        # What a sync does to a row that it refuses again. It would wait here for ever.
        superuser_connection.execute("SET LOCAL lock_timeout = '1s'")
        superuser_connection.execute("UPDATE markets_quarantinedrecord SET times_seen = times_seen + 1")
    retrying.join()

    record.refresh_from_db()
    assert (record.state, record.times_seen) == (QuarantinedRecord.State.ACCEPTED, 2)
