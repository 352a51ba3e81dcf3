import pytest

from markets.actions import market
from markets.models import Asset, DailyBar
from tests.markets.factories import AssetFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_says_what_it_made(manage):
    outcome = manage("simulate_market", "--assets=3", "--days=10", "--seed=5")

    assert outcome.out == ["3 simulated assets with 30 daily bars, seed 5."]
    simulation = market.simulation()
    assert simulation is not None
    assert (simulation.assets, simulation.days, simulation.seed) == (3, 10, 5)
    assert (Asset.objects.count(), DailyBar.objects.count()) == (3, 30)


def test_dry_run_makes_nothing(manage):
    outcome = manage("simulate_market", "--assets=3", "--days=10", "--dry-run")

    assert outcome.out == ["Would make 3 assets with up to 10 daily bars each."]
    assert not Asset.objects.exists()
    assert market.simulation() is None


def test_market_that_is_not_empty_is_left_alone(manage):
    AssetFactory.create()

    outcome = manage("simulate_market", "--assets=3", "--days=10")

    assert outcome.failure == ("This market has assets already; simulated prices are only made in an empty one.")
    assert (Asset.objects.count(), market.simulation()) == (1, None)


@pytest.mark.parametrize(
    "option", ["--assets=0", "--assets=20001", "--days=0", "--days=6001", "--seed=-1", "--assets=-5"]
)
@pytest.mark.parametrize("mode", [[], ["--dry-run"]])
def test_sizes_beyond_all_measure_are_refused(manage, option, mode):
    outcome = manage("simulate_market", option, *mode)

    assert outcome.failure == "Give 1 to 20000 assets, 1 to 6000 days and a seed of 0 or more."
    assert not Asset.objects.exists()
