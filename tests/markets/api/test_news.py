from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from markets.models import Asset, NewsItem
from markets.sentiment import scorer
from tests.markets.factories import NOON, NewsFeedFactory, NewsItemFactory, NewsScoreFactory, QuoteFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/news"


@pytest.fixture
def bitcoin(db: None) -> Asset:
    return QuoteFactory.create(asset__slug="bitcoin", asset__symbol="BTC").asset


def story(title: str, *, hours: int = 0, about: Asset | None = None, **score: Any) -> NewsItem:
    item: NewsItem = NewsItemFactory.create(title=title, published_at=NOON - timedelta(hours=hours))
    if about is not None:
        item.mentions.create(asset=about, matched_by="cashtag", term="$BTC")
    if score:
        NewsScoreFactory.create(item=item, **score)
    return item


def titles(client: Client, url: str = URL, **query: Any) -> list[str]:
    answer = client.get(url, query)
    assert answer.status_code == 200, answer.content
    return [row["title"] for row in answer.json()["results"]]


def test_an_item_names_its_publisher_its_assets_and_its_score(client: Client, bitcoin: Asset) -> None:
    item = story("Bridge hacked", about=bitcoin, tone=-0.5, negativity=0.5, confidence=0.25, events=["hack"])

    (row,) = client.get(URL).json()["results"]

    assert row == {
        "id": item.pk,
        "title": "Bridge hacked",
        "summary": "",
        "link": item.url,
        "source": {"feed": item.feed.slug, "name": item.feed.name},
        "language": None,
        "published_at": "2026-03-12T12:00:00Z",
        "fetched_at": "2026-03-12T12:00:00Z",
        "tone": -0.5,
        "negativity": 0.5,
        "confidence": 0.25,
        "events": ["hack"],
        "possible_events": [],
        "model_version": scorer.model_version(),
        "assets": [{"slug": "bitcoin", "symbol": "BTC", "matched_by": "cashtag"}],
    }


def test_an_item_that_the_current_version_has_not_judged_has_no_tone(client: Client) -> None:
    story("Old", model_version="lexicon-0", tone=1.0)

    (row,) = client.get(URL).json()["results"]

    assert (row["tone"], row["events"], row["model_version"]) == (None, None, None)


def test_pages_lead_forth_and_back_without_loss(client: Client) -> None:
    for number in range(5):
        story(f"story {number}", hours=number // 2)  # two at each moment
    expected = titles(client)

    first = client.get(URL, {"page_size": 2})
    second = client.get(first.json()["next"])
    third = client.get(second.json()["next"])
    back = client.get(third.json()["previous"])

    found = [[row["title"] for row in page.json()["results"]] for page in (first, second, third)]
    assert [title for page in found for title in page] == expected
    assert len(expected) == 5
    assert (first.json()["previous"], third.json()["next"], first.json()["count"]) == (None, None, None)
    assert back.json()["results"] == second.json()["results"]
    assert 'rel="next"' in first["Link"]


def test_filters_narrow_the_list(client: Client, bitcoin: Asset) -> None:
    story("bad", hours=1, about=bitcoin, tone=-0.6, events=["hack"])
    story("good", hours=2, tone=0.6, possible_events=["hack"])
    story("unscored", hours=3)
    other = NewsItemFactory.create(title="other", feed=NewsFeedFactory.create(slug="example"), published_at=NOON)

    assert titles(client) == ["other", "bad", "good", "unscored"]
    assert titles(client, asset="btc") == titles(client, "/api/v1/cryptocurrencies/BTC/news") == ["bad"]
    assert titles(client, event="hack") == ["bad"]
    assert titles(client, feed="example") == [other.title]
    assert titles(client, min_tone=0) == ["good"]
    assert titles(client, max_tone=0) == ["bad"]
    assert titles(client, since="2026-03-12T11:00:00Z") == ["other", "bad"]
    assert titles(client, until="2026-03-12T11:00:00Z") == ["good", "unscored"]


def test_filters_stay_on_the_next_page(client: Client, bitcoin: Asset) -> None:
    for number in range(3):
        story(f"about {number}", hours=number, about=bitcoin, tone=-0.5)
        story(f"not about {number}", hours=number, tone=0.5)

    query: dict[str, Any] = {"asset": "bitcoin", "page_size": 1, "max_tone": 0, "since": "2026-03-01T00:00:00Z"}
    page = client.get(client.get(URL, query).json()["next"]).json()

    assert [row["title"] for row in page["results"]] == ["about 1"]


@pytest.mark.parametrize(
    "query",
    [
        {"feed": "nobody"},
        {"event": "party"},
        {"min_tone": 2},
        {"min_tone": 0.5, "max_tone": -0.5},
        {"since": "2026-03-02", "until": "2026-03-01"},
        {"page_size": 201},
        {"cursor": "nonsense"},
        {"cursor": "e30"},
        {"cursor": "eyJhdCI6MSwiaWQiOjEsImJhY2siOnRydWV9"},
        {"page": 2},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(client: Client, query: dict[str, Any]) -> None:
    assert client.get(URL, query).status_code == 400


@pytest.mark.parametrize("url", [f"{URL}?asset=nobody", "/api/v1/cryptocurrencies/nobody/news"])
def test_an_asset_that_is_not_listed_is_not_found(client: Client, url: str) -> None:
    assert client.get(url).status_code == 404


def test_a_symbol_of_several_assets_can_be_refused(client: Client, bitcoin: Asset) -> None:
    QuoteFactory.create(asset__slug="batcat", asset__symbol="BTC")

    assert client.get("/api/v1/cryptocurrencies/BTC/news?strict=true").status_code == 409
    assert client.get("/api/v1/cryptocurrencies/batcat/news?strict=true").status_code == 200


def test_a_page_asks_as_many_questions_for_twelve_items_as_for_one(
    client: Client, bitcoin: Asset, django_assert_max_num_queries: Any
) -> None:
    story("one", about=bitcoin, tone=0.5)
    with django_assert_max_num_queries(20) as one:
        client.get(f"{URL}?page_size=100")
    for number in range(11):
        story(f"story {number}", about=bitcoin, tone=0.5)

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(f"{URL}?page_size=101")
