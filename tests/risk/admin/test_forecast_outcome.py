import re

import pytest
from django.test import Client

from accounts.models import User
from risk.admin import forecast_outcome
from tests.risk.factories import DayOutcomeFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

OUTCOMES = "/admin/risk/forecastoutcome/"


def listed(client: Client, query: str = "") -> list[str]:
    return re.findall(r'field-asset">([A-Z]+)<', client.get(f"{OUTCOMES}?{query}").content.decode())


@pytest.fixture
def three(moderator: User) -> None:
    for symbol in ("BTC", "WBTC", "ETH"):
        DayOutcomeFactory.create(score__asset__symbol=symbol)


def test_the_newest_outcomes_are_listed(client: Client, three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_outcome, "MOST_LISTED", 2)

    assert listed(client) == ["ETH", "WBTC"]


@pytest.mark.parametrize(
    ("words", "symbols"), [("btc", ["BTC"]), ("bt", ["WBTC", "BTC"]), ("eth", ["ETH"]), ("nobody", [])]
)
def test_outcomes_are_found_by_the_asset(client: Client, three: None, words: str, symbols: list[str]) -> None:
    assert listed(client, f"q={words}") == symbols


def test_a_search_looks_at_the_newest_scores(client: Client, three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_outcome, "MOST_SEARCHED", 1)

    assert listed(client, "q=bt") == ["WBTC"]
