"""Who looks after incidents when the schedule does not."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from accounts.actions import heartbeats
from accounts.models import Heartbeat, Incident
from config import watchman
from config.kernel import clock
from tests.support.cluster import Login
from tests.support.default_connection import default_connection

pytestmark = pytest.mark.integration


@pytest.mark.usefixtures("committed_db")
def test_a_scheduler_that_died_is_noticed_without_any_schedule():
    ago = clock.now() - timedelta(minutes=10)
    heartbeats.beat(Heartbeat.Organ.BEAT, instance="here:1", at=ago)
    heartbeats.beat(Heartbeat.Organ.WATCH, at=ago)

    watchman.look_in()

    assert list(Incident.objects.open().values_list("kind", "subject")) == [("silent_beat", "beat")]


@pytest.mark.usefixtures("committed_db")
def test_while_the_schedule_does_its_work_the_watchman_does_none():
    heartbeats.beat(Heartbeat.Organ.WATCH, at=clock.now())

    watchman.look_in()

    assert not Incident.objects.exists()
    assert Heartbeat.objects.count() == 1


@pytest.mark.usefixtures("committed_db")
def test_a_database_that_is_away_is_waited_for():
    with default_connection(Login("127.0.0.1", "1", "none", "nobody", "")), capture_logs() as logs:
        watchman.look_in()

    assert [entry["event"] for entry in logs] == ["watchman.blind"]
