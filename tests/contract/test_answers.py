"""What the routes answer is what the committed schema says they answer."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client, RequestFactory
from openapi_core import OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIRequest, DjangoOpenAPIResponse

from config.kernel import clock
from markets.actions import market
from tests.accounts.factories import JobFactory, UserFactory
from tests.contract.conftest import People
from tests.markets.factories import (
    CategoryFactory,
    IndicatorValueFactory,
    NewsItemFactory,
    NewsScoreFactory,
    QuoteFactory,
    SnapshotFactory,
    store_daily_bars,
)
from tests.risk.factories import (
    BacktestFactory,
    DayOutcomeFactory,
    MonthOutcomeFactory,
    RiskScoreFactory,
    ScoreRunFactory,
    unscored,
)

SCHEMA = Path(settings.BASE_DIR) / "docs" / "api" / "openapi.yaml"

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="session")
def contract() -> OpenAPI:
    return OpenAPI.from_dict(yaml.safe_load(SCHEMA.read_text()))


@pytest.fixture
def market_with_everything(db: None) -> None:
    """A whole coin, one that shares its symbol, and one that nobody quotes."""
    now = clock.now()
    whole = QuoteFactory.create(
        asset__slug="bitcoin",
        asset__symbol="BTC",
        market_cap=2e12,
        volume_24h=1e9,
        change_24h=1.5,
        as_of=now,
        ath_at=now,
    )
    whole.asset.categories.add(CategoryFactory.create())
    QuoteFactory.create(asset__slug="batcat", asset__symbol="BTC", price=None)
    store_daily_bars(whole.asset, date(2020, 1, 1), [1.0, 2.0], volume=[None, 3.0])
    store_daily_bars(whole.asset, date(2020, 1, 9), [4.0])
    NewsScoreFactory.create(events=["hack"]).item.mentions.create(asset=whole.asset, matched_by="name", term="Bitcoin")
    NewsItemFactory.create()
    IndicatorValueFactory.create(indicator="fear_and_greed", at=now, value=20.0)
    SnapshotFactory.create(asset=whole.asset, at=datetime(2026, 3, 12, tzinfo=UTC) + timedelta(minutes=7))
    run = ScoreRunFactory.create(model__version="1.0", model__is_headline=True)
    score = RiskScoreFactory.create(asset=whole.asset, run=run)
    unscored(asset=SnapshotFactory.create().asset, run=run)
    BacktestFactory.create(model=run.model)
    BacktestFactory.create(model__version="0.9", since=date(2026, 2, 1))
    DayOutcomeFactory.create(score=score)
    MonthOutcomeFactory.create(score=score)
    market.touch(at=now)


def check(contract: OpenAPI, response: Any, method: str, url: str) -> None:
    request = RequestFactory().generic(method, url, content_type="application/json")
    contract.validate_response(DjangoOpenAPIRequest(request), DjangoOpenAPIResponse(response))


TO_ANYBODY = [
    ("/api/v1/cryptocurrencies/", 200),
    ("/api/v1/cryptocurrencies/?limit=1", 200),
    ("/api/v1/cryptocurrencies/?limit=0", 400),
    ("/api/v1/cryptocurrencies/top/layer-1", 200),
    ("/api/v1/cryptocurrencies/top/nonsense", 404),
    ("/api/v1/cryptocurrencies/BTC", 200),
    ("/api/v1/cryptocurrencies/batcat", 200),
    ("/api/v1/cryptocurrencies/BTC?strict=true", 409),
    ("/api/v1/cryptocurrencies/nobody", 404),
    ("/api/v1/cryptocurrencies/BTC/history", 200),
    ("/api/v1/cryptocurrencies/BTC/history?shape=objects", 200),
    ("/api/v1/cryptocurrencies/BTC/history?interval=5m", 200),
    ("/api/v1/cryptocurrencies/batcat/history", 200),
    ("/api/v1/catalogue", 200),
    ("/api/v1/market/indicators", 200),
    ("/api/v1/market/indicators/fear_and_greed/history", 200),
    ("/api/v1/market/indicators/fear_and_greed/history?shape=objects", 200),
    ("/api/v1/market/indicators/mood/history", 404),
    ("/api/v1/news", 200),
    ("/api/v1/news?min_tone=2", 400),
    ("/api/v1/cryptocurrencies/batcat/news", 200),
    ("/api/v1/cryptocurrencies/top/risk", 200),
    ("/api/v1/cryptocurrencies/bitcoin/risk", 200),
    ("/api/v1/cryptocurrencies/batcat/risk", 200),
    ("/api/v1/cryptocurrencies/BTC/risk?strict=true", 409),
    ("/api/v1/cryptocurrencies/bitcoin/risk/history", 200),
    ("/api/v1/cryptocurrencies/bitcoin/risk/history?shape=objects", 200),
    ("/api/v1/cryptocurrencies/batcat/risk/history", 200),
    ("/api/v1/risk/scores", 200),
    ("/api/v1/risk/scores?page_size=1", 200),
    ("/api/v1/risk/scores?as_of=2001-01-01", 200),
    ("/api/v1/risk/models", 200),
    ("/api/v1/risk/models/1.0", 200),
    ("/api/v1/risk/models/2.0", 404),
    ("/api/v1/risk/models/1.0/backtest", 200),
    ("/api/v1/risk/models/0.9/backtest", 422),
    ("/api/v1/risk/calibration", 200),
    ("/api/v1/limits", 200),
    ("/api/v1/me", 401),
]


@pytest.mark.parametrize(("url", "status"), TO_ANYBODY)
def test_an_answer_to_anybody(
    client: Client, contract: OpenAPI, market_with_everything: None, url: str, status: int
) -> None:
    response = client.get(url)

    assert response.status_code == status
    check(contract, response, "GET", url)


@pytest.mark.parametrize("url", [url for url, status in TO_ANYBODY if status == 200])
def test_whoever_holds_an_answer_is_told_that_it_still_stands(
    client: Client, market_with_everything: None, url: str
) -> None:
    held = client.get(url).get("ETag")

    assert held is None or client.get(url, headers={"If-None-Match": held}).status_code == 304


def test_answers_to_people(client: Client, contract: OpenAPI, people: People) -> None:
    operator = people.headers("operator")

    started = client.post("/api/v1/cryptocurrencies/sync", content_type="application/json", headers=operator)
    check(contract, started, "POST", "/api/v1/cryptocurrencies/sync")
    for url in ("/api/v1/me", started["Location"], "/api/v1/tasks/active"):
        response = client.get(url, headers=operator)
        assert response.status_code == 200
        check(contract, response, "GET", url)


def test_the_answer_to_a_cancellation(client: Client, contract: OpenAPI, people: People) -> None:
    url = f"/api/v1/tasks/{JobFactory.create().pk}"

    response = client.delete(url, headers=people.headers("operator"))

    assert response.status_code == 200
    check(contract, response, "DELETE", url)


def test_the_answer_to_signing_in(client: Client, contract: OpenAPI) -> None:
    person = UserFactory.create()
    person.set_password("a long enough secret")
    person.save()

    response = client.post(
        "/api/v1/auth/login",
        {"username": person.username, "password": "a long enough secret"},
        content_type="application/json",
    )

    assert response.status_code == 200
    check(contract, response, "POST", "/api/v1/auth/login")


def test_a_result_that_is_not_ready(client: Client, contract: OpenAPI, people: People) -> None:
    url = f"/api/v1/tasks/{JobFactory.create().pk}/result"

    response = client.get(url, headers=people.headers("operator"))

    assert response.status_code == 409
    check(contract, response, "GET", url)
