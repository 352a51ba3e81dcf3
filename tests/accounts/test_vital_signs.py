from datetime import timedelta

import pytest
from django.db import connection
from prometheus_client import CollectorRegistry

from accounts.actions import canaries, heartbeats
from accounts.models import Heartbeat
from accounts.vital_signs import VitalSigns
from config.kernel import clock
from tests.accounts.factories import NOON, IncidentFactory
from tests.support.cluster import Login
from tests.support.default_connection import default_connection

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def sample():
    registry = CollectorRegistry()
    registry.register(VitalSigns())
    return lambda name, **labels: registry.get_sample_value(name, labels)


def test_the_latest_tick_is_told_and_who_leads(sample):
    now = clock.now()
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="old:1", at=now - timedelta(seconds=9))
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="new:2", at=now)

    assert sample("beat_last_tick_timestamp_seconds") == pytest.approx(now.timestamp())
    assert (sample("beat_leader", instance="new:2"), sample("beat_leader", instance="old:1")) == (1, None)


def test_a_silent_one_no_longer_leads(sample):
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="old:1", at=NOON)

    assert (sample("beat_last_tick_timestamp_seconds"), sample("beat_leader", instance="old:1")) == (
        NOON.timestamp(),
        0,
    )


def test_open_incidents_are_counted_by_kind_and_each_kind_is_there(sample):
    IncidentFactory.create_batch(2)
    IncidentFactory.create(closed_at=NOON)

    assert (sample("incidents_open", kind="old_queue"), sample("incidents_open", kind="dead_job")) == (2, 0)


def test_the_latest_answer_of_each_queue_is_told(sample):
    canaries.answer("default", worker="celery@a", at=NOON)
    canaries.answer("default", worker="celery@b", at=NOON + timedelta(seconds=1))

    assert sample("canary_task_last_success_timestamp_seconds", queue="default") == NOON.timestamp() + 1
    assert sample("canary_task_last_success_timestamp_seconds", queue="maintenance") is None


def test_without_the_database_nothing_is_said(sample):
    with default_connection(Login("127.0.0.1", "1", "none", "nobody", "")):
        assert sample("beat_last_tick_timestamp_seconds") is None
    assert connection.is_usable()
