import pytest

from config.kernel import clock
from markets import feeds
from markets.models import ProviderState, Quote, SyncRun
from markets.providers.errors import Unavailable
from markets.runs import simulation
from tests.markets.runs.test_sync import Scripted

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def demo() -> None:
    simulation.perform(simulation.Parameters(assets=5, days=10, seed=1), at=clock.now())


@pytest.mark.usefixtures("demo")
def test_says_what_became_of_every_row(manage):
    outcome = manage("sync_market", "--limit=3")

    assert outcome.out == ["simulated: 3 received, 0 inserted, 3 updated, 0 unchanged, 0 quarantined."]
    assert (outcome.err, outcome.failure) == ([], None)
    assert SyncRun.objects.values_list("state", "limit", "updated").get() == ("succeeded", 3, 3)


@pytest.mark.usefixtures("demo")
def test_dry_run_says_whom_it_would_ask_and_asks_nobody(manage):
    before = list(Quote.objects.order_by("pk").values())

    assert manage("sync_market", "--dry-run").out == ["Would ask simulated for 200 assets."]

    assert not SyncRun.objects.exists()
    assert list(Quote.objects.order_by("pk").values()) == before


def test_real_market_would_ask_the_providers_in_the_order_of_the_settings(manage, settings):
    settings.MARKET_PROVIDERS = ["coinmarketcap", "coingecko"]
    settings.COINMARKETCAP_API_KEY = "a-key"

    assert manage("sync_market", "--dry-run").out == ["Would ask coinmarketcap, then coingecko for 200 assets."]


@pytest.mark.usefixtures("demo")
def test_simulated_market_asks_no_real_provider(manage):
    outcome = manage("sync_market", "--provider=coingecko")

    assert outcome.failure == (
        "This market holds simulated prices, which are never mixed with real ones."
        " Replace it first: import_prices FILE --replace-demo."
    )
    assert not SyncRun.objects.exists()


def test_command_fails_when_nobody_may_be_asked(manage):
    ProviderState.objects.create(name="coingecko", is_enabled=False)

    outcome = manage("sync_market", "--provider=coingecko")

    assert outcome.failure == "No provider may be asked: give a key in the settings or enable one in the admin."
    assert not SyncRun.objects.exists()


def test_command_fails_when_no_provider_answers_and_says_what_each_of_them_said(manage, monkeypatch):
    away = [Scripted(name, Unavailable(name, "no route")) for name in ("first", "second")]
    monkeypatch.setattr(feeds, "providers", lambda name=None: away)

    outcome = manage("sync_market")

    assert outcome.out == []
    assert outcome.failure == (
        "The sync failed (unavailable):\nfirst: unavailable: no route\nsecond: unavailable: no route"
    )
    assert [provider.asked for provider in away] == [1, 1]


@pytest.mark.parametrize("limit", ["0", "-1", "20001"])
def test_limits_beyond_all_measure_are_refused(manage, limit):
    assert manage("sync_market", f"--limit={limit}").failure == "--limit must be from 1 to 20000."
    assert not SyncRun.objects.exists()


def test_provider_that_does_not_exist_is_refused(manage):
    outcome = manage("sync_market", "--provider=nobody")

    assert outcome.failure is not None
    assert "invalid choice: 'nobody'" in outcome.failure
