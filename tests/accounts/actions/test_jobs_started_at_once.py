from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import Job
from tests.accounts.factories import JobFactory

pytestmark = pytest.mark.integration


def test_of_many_workers_that_start_a_job_at_once_exactly_one_gets_it(committed_db):
    job, barrier = JobFactory.create(), Barrier(8)

    def start(_: int) -> int:
        try:
            barrier.wait(timeout=30)
            return jobs.start(job.pk, holder=Holder.current()).attempt
        except jobs.JobNotQueued:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        attempts = list(workers.map(start, range(8)))

    assert sorted(attempts) == [0] * 7 + [1]
    assert Job.objects.get().attempt == 1
