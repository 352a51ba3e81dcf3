import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts import lease
from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import Job
from tests.accounts.factories import JobFactory
from tests.support.processes import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def job(committed_db, settings):
    settings.JOB_HEARTBEAT_SECONDS = 0.01
    yield jobs.start(JobFactory.create().pk, holder=Holder.current())
    connection.close()


def test_the_lease_is_extended_while_the_work_lasts_and_not_after(job):
    Job.objects.update(lease_until=Now() - timedelta(seconds=1))

    with lease.kept(job):
        eventually(lambda: not Job.objects.expired().exists())

    assert not Job.objects.expired().exists()


def test_the_lease_of_an_attempt_that_was_given_up_is_not_extended(job):
    Job.objects.update(attempt=2)
    before = Job.objects.get()

    with lease.kept(job):
        eventually(lambda: not any("lease of" in thread.name for thread in threading.enumerate()))

    assert Job.objects.get().lease_until == before.lease_until
