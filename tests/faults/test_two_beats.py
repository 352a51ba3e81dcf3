"""S1: two schedulers run; the one that leads is killed, frozen, or loses its servers."""

import json
import os
import signal
import subprocess
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import Heartbeat
from config.kernel import clock
from config.launcher import children
from tests.support.processes import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(180)]

TAKE_OVER = 10.0  # seconds


@pytest.fixture
def start(committed_db, tmp_path):
    """Start a scheduler of this test's database, as the launcher does."""
    running: list[subprocess.Popen] = []
    environment = {**os.environ, "DATABASE_URL": committed_db.url, "REDIS_URL": settings.REDIS_URL}

    def start() -> subprocess.Popen:
        with (tmp_path / f"beat-{len(running)}.log").open("w") as log:
            running.append(subprocess.Popen(children.beat(), env=environment, stdout=log, stderr=log))
        return running[-1]

    yield start
    for process in running:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.fixture
def sent(redis_server):
    """How many messages each schedule has sent."""

    def sent() -> dict[str, int]:
        names = [
            json.loads(message)["headers"]["periodic_task_name"] for message in redis_server.lrange("default", 0, -1)
        ]
        return {name: names.count(name) for name in names}

    return sent


def beats(organ: str) -> set[int]:
    """The processes that gave a sign of life in the last seconds."""
    fresh = Heartbeat.objects.filter(organ=organ, beaten_at__gt=clock.now() - timedelta(seconds=5))
    return {int(instance.rpartition(":")[2]) for instance in fresh.values_list("instance", flat=True)}


def schedule(name: str, seconds: int, **fields: object) -> PeriodicTask:
    interval, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
    return PeriodicTask.objects.create(name=name, task="update_market_data", interval=interval, **fields)


def pair(start):
    leader = start()
    eventually(lambda: beats("beat") == {leader.pid})
    other = start()
    eventually(lambda: other.pid in beats("waiting_beat"))
    return leader, other


def test_two_send_each_time_once_and_the_second_takes_over_when_the_first_is_killed(start, sent):
    row = schedule("every second", 1)
    leader, other = pair(start)
    late = schedule("slept through", 60, last_run_at=clock.now() - timedelta(hours=3))
    eventually(lambda: PeriodicTask.objects.get(pk=late.pk).total_run_count == 1)

    leader.kill()
    killed = time.monotonic()
    eventually(lambda: other.pid in beats("beat"), TAKE_OVER)
    took = time.monotonic() - killed

    before = sent()["every second"]
    eventually(lambda: sent()["every second"] > before)
    other.terminate()
    assert other.wait(20) == 0
    row.refresh_from_db()
    assert sent() == {"every second": row.total_run_count, "slept through": 1}
    assert row.total_run_count <= (clock.now() - row.date_changed).total_seconds()
    print(f"taken over {took:.1f} s after kill -9")  # noqa: T201


def test_one_that_is_frozen_loses_the_lead_and_does_not_send_when_it_thaws(start, sent):
    row = schedule("every second", 1)
    leader, other = pair(start)
    leader.send_signal(signal.SIGSTOP)
    eventually(lambda: other.pid in beats("beat"), 20)

    leader.send_signal(signal.SIGCONT)
    eventually(lambda: leader.pid in beats("waiting_beat"))

    other.terminate()
    other.wait(20)
    eventually(lambda: leader.pid in beats("beat"), TAKE_OVER)
    leader.terminate()
    leader.wait(20)
    row.refresh_from_db()
    assert sent() == {"every second": row.total_run_count}


def test_one_whose_servers_are_away_at_its_start_waits_for_them(start, sent, committed_db, cluster):
    schedule("slept through", 60, last_run_at=clock.now() - timedelta(hours=3))
    with cluster.login("postgres").connect() as elsewhere:
        elsewhere.execute(f'ALTER DATABASE "{committed_db.database}" ALLOW_CONNECTIONS false')
        process = start()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(8)

        elsewhere.execute(f'ALTER DATABASE "{committed_db.database}" ALLOW_CONNECTIONS true')

    eventually(lambda: sent() == {"slept through": 1})
