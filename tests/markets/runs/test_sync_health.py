"""What a sync leaves behind about the providers, for operators to see."""

import pytest

from markets import feeds
from markets.models import ProviderState
from markets.providers.errors import RateLimited
from markets.runs import sync
from markets.runs.sync import Parameters
from tests.markets.runs.test_sync import Scripted, coin

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def health() -> dict[str, tuple[bool, int]]:
    """Of each provider: whether it ever answered, and how often it failed since."""
    return {
        state.name: (state.last_success_at is not None, state.consecutive_failures)
        for state in ProviderState.objects.all()
    }


def run(monkeypatch: pytest.MonkeyPatch, *providers: Scripted, cross_check: bool = False) -> None:
    monkeypatch.setattr(feeds, "providers", lambda name=None: list(providers))
    sync.sync(Parameters(limit=50, cross_check=cross_check))


def test_provider_that_was_not_needed_is_known_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, Scripted("coingecko", coin(100.0)), Scripted("coinmarketcap", coin(100.0)))

    assert health() == {"coingecko": (True, 0), "coinmarketcap": (False, 0)}


def test_second_opinion_counts_as_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, Scripted("coingecko", coin(100.0)), Scripted("coinmarketcap", coin(100.0)), cross_check=True)

    assert health() == {"coingecko": (True, 0), "coinmarketcap": (True, 0)}


def test_second_opinion_that_fails_counts_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Scripted("coinmarketcap", RateLimited("coinmarketcap", "slow down"))

    run(monkeypatch, Scripted("coingecko", coin(100.0)), silent, cross_check=True)

    assert health() == {"coingecko": (True, 0), "coinmarketcap": (False, 1)}
