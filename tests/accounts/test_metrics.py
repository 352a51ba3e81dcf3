from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from prometheus_client import REGISTRY

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.kinds import Kind
from accounts.models import Job
from config import pipelines
from config.kernel.errors import ProviderUnavailable
from tests.accounts.factories import JobFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def counted():
    """How much a series has grown since the last call."""
    before: dict[object, float] = {}

    def counted(name, **labels):
        key = (name, *labels.items())
        now = REGISTRY.get_sample_value(name, labels) or 0.0
        before[key], grown = now, now - before.get(key, 0.0)
        return grown

    return counted


def test_a_job_is_counted_in_every_state_it_comes_into(counted, monkeypatch, django_capture_on_commit_callbacks):
    def refuse(job):
        raise ProviderUnavailable

    monkeypatch.setattr(pipelines, "KINDS", {"work": Kind(refuse)})
    series = [("jobs_total", {"kind": "work", "state": state}) for state in ("queued", "running", "retrying", "dead")]
    series += [(f"jobs_{name}_seconds_count", {"kind": "work"}) for name in ("duration", "queue_wait")]
    series += [("jobs_dead_total", {"kind": "work"}), ("jobs_duplicate_deliveries_total", {})]
    for name, labels in series:
        counted(name, **labels)

    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.request("work", owner=None, parameters={}, at=JobFactory.build(owner=None).created_at)
    for _ in range(4):
        Job.objects.filter(finished_at=None).update(run_after=Now())
        with django_capture_on_commit_callbacks(execute=True):
            pipelines.perform_job(job_id=str(job.pk))

    assert [counted(name, **labels) for name, labels in series] == [1, 3, 2, 1, 3, 3, 1, 1]


def test_leases_that_end_are_counted(counted, monkeypatch):
    monkeypatch.setattr(jobs, "publish", lambda job: True)
    counted("jobs_lease_expired_total")
    jobs.start(JobFactory.create().pk, holder=Holder.current())
    Job.objects.update(lease_until=Now() - timedelta(seconds=1))

    jobs.reap()

    assert counted("jobs_lease_expired_total") == 1


def test_scrape_tells_what_waits_and_what_runs(client):
    JobFactory.create(run_after=Now() - timedelta(seconds=90), queue="maintenance")
    JobFactory.create(retrying=True, run_after=Now() + timedelta(seconds=90))
    JobFactory.create(running=True)
    JobFactory.create(running=True, kind="kind of the past")

    lines = client.get("/metrics").content.decode().splitlines()

    values = dict(line.rsplit(" ", 1) for line in lines if line.startswith(("jobs_oldest", "jobs_running")))
    assert values['jobs_running{kind="update_market_data"}'] == values['jobs_running{kind="other"}'] == "1.0"
    assert 90 <= float(values['jobs_oldest_queued_age_seconds{queue="maintenance"}']) < 120
    assert values['jobs_oldest_queued_age_seconds{queue="default"}'] == "0.0"
    assert len([name for name in values if name.startswith("jobs_oldest")]) == len(Job.Queue)


def test_scrape_answers_without_the_database(client, monkeypatch):
    def refuse(*args):
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", refuse)

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert b"jobs_running" not in answer.content
