import pytest

from config.kernel import clock
from markets import feeds, tasks
from markets.models import SyncRun
from markets.runs import simulation

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulated(db: None) -> None:
    simulation.perform(simulation.Parameters(assets=3, days=5, seed=1), at=clock.now())


def test_a_sync_by_schedule_leaves_its_run(simulated: None) -> None:
    answer = tasks.update_market_data(limit=2)

    run = SyncRun.objects.get()
    assert answer == {"run": run.pk, "state": SyncRun.State.SUCCEEDED}
    assert (run.limit, run.received, run.job_id) == (2, 2, None)


def test_days_are_closed_and_what_exists_stays(simulated: None) -> None:
    assert tasks.close_days() == {"inserted": 0, "updated": 0, "unchanged": 0}


def test_retention_tells_what_it_removed(simulated: None) -> None:
    assert tasks.enforce_retention() == {"snapshot_months": (), "bar_years": (), "raw_answers": 0}


def test_nobody_describes_a_simulated_market(simulated: None) -> None:
    assert feeds.providers()[0].is_simulated
    assert tasks.describe_assets(limit=5) == {"described": 0}
