from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from risk.actions import risk_models
from risk.actions.score_runs import AlreadyScored
from risk.models import RiskScore, ScoreChunk, ScoreRun
from risk.runs import course
from tests.risk.markets import LAST, NOON, held, simulated

pytestmark = pytest.mark.integration


def test_of_runs_for_one_day_that_begin_at_once_one_wins_and_of_its_chunks_one_is_the_last(committed_db):
    simulated(assets=8, days=100)
    plan = course.plan(risk_models.register(at=NOON), LAST, at=NOON)
    barrier = Barrier(4, timeout=30)

    def begin(_: int) -> bool:
        try:
            barrier.wait()
            course.begin(plan, job=held(), at=NOON, chunk_assets=2)
        except AlreadyScored:
            return False
        finally:
            connection.close()
        return True

    def measure(chunk: ScoreChunk) -> bool:
        try:
            part = course.measure(chunk)
            barrier.wait()
            return course.keep(chunk, part, at=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(begin, range(4))) == [False, False, False, True]
        run = ScoreRun.objects.get()
        assert sorted(workers.map(measure, ScoreChunk.objects.filter(run=run))) == [False, False, False, True]
    course.finish(run)

    run.refresh_from_db()
    assert (run.state, run.chunks_done, RiskScore.objects.count()) == ("finished", 4, 8)
