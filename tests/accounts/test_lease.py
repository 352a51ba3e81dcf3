import contextlib
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts import lease
from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import AuditEntry, Job
from config.kernel.errors import Conflict
from tests.accounts.factories import NOON, JobFactory, UserFactory
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


class TestPerformedHere:
    """Work of a command, which holds its job from the first moment and which nobody else is told of."""

    @staticmethod
    def begin() -> contextlib.AbstractContextManager[Job]:
        return lease.performed_here("update_market_data", parameters={"limit": 1}, at=NOON)

    @pytest.mark.django_db
    def test_the_job_is_held_by_this_process_and_heard_of_by_no_worker(
        self, monkeypatch, django_capture_on_commit_callbacks
    ):
        monkeypatch.setattr(jobs, "publish", lambda job: pytest.fail("a worker was told"))

        with django_capture_on_commit_callbacks(execute=True), self.begin() as job:
            held = Job.objects.get()
            jobs.succeed(job, result={"done": 1})

        assert (held.state, held.attempt, held.max_attempts) == ("running", 1, 1)
        assert (held.worker, held.parameters) == (str(Holder.current()), {"limit": 1})
        assert Job.objects.get().result == {"done": 1}
        assert AuditEntry.objects.about(job).verbs() == ["accounts.job.requested"]

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("error", "state", "code"),
        [
            (Conflict, "failed", "conflict"),
            (ValueError, "failed", "internal_error"),
            (KeyboardInterrupt, "cancelled", ""),
            (jobs.JobCancelled, "cancelled", ""),
        ],
    )
    def test_what_the_work_raises_ends_it(self, error, state, code):
        with pytest.raises(error), self.begin():
            raise error

        job = Job.objects.get()
        assert (job.state, job.error_code) == (state, code)

    @pytest.mark.django_db
    def test_a_lost_process_leaves_a_dead_job_which_workers_may_be_given(self):
        job = jobs.take("update_market_data", holder=Holder("elsewhere", 1, "1"), parameters={}, at=NOON)
        Job.objects.update(lease_until=Now() - timedelta(seconds=1))

        assert jobs.reap() == 1

        job.refresh_from_db()
        assert (job.state, job.error_code) == ("dead", "worker_lost")
        jobs.retry(job, by=UserFactory.create(), at=NOON, reason="Let a worker do it.")
        assert jobs.start(job.pk, holder=Holder.current()).attempt == 2

    @pytest.mark.django_db
    def test_work_that_was_given_up_ends_nothing(self):
        def come_too_late() -> None:
            with self.begin():
                Job.objects.update(attempt=2, max_attempts=2)
                raise ValueError("too late")

        with pytest.raises(ValueError, match="too late"):
            come_too_late()

        assert Job.objects.get().state == "running"
