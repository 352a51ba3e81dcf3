from datetime import timedelta
from typing import Any

import pytest

from markets.actions import news
from markets.models import Asset, NewsFeed, NewsItem
from markets.providers.news import Headline
from markets.queries import news_mood
from markets.queries.news_mood import moods
from tests.markets.factories import NOON, AssetFactory, NewsFeedFactory, NewsItemFactory, NewsScoreFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def coin(db: None) -> Asset:
    return AssetFactory.create()


def story(asset: Asset, *, age: float, tone: float = 0.0, events: tuple[str, ...] = (), **item: Any) -> int:
    published_at = NOON - age * DAY
    told = NewsItemFactory.create(published_at=published_at, fetched_at=item.pop("fetched_at", published_at), **item)
    told.mentions.create(asset=asset, matched_by="name", term="Coin")
    NewsScoreFactory.create(item=told, tone=tone, events=list(events))
    return int(told.pk)


def test_bad_news_are_numbers_with_their_evidence(coin: Asset) -> None:
    old = [story(coin, age=20 + 9 * week) for week in range(10)]
    fresh = [story(coin, age=n, tone=-0.8, events=("hack",) if n == 1 else ()) for n in range(6)]

    said = moods([coin.pk], at=NOON)[coin.pk]

    assert said.mood.absent is None
    assert said.mood.net_negativity_z is not None
    assert said.mood.net_negativity_z > 2
    assert said.evidence == fresh
    assert said.events == {"hack": [fresh[1]]}
    assert not set(old) & set(said.evidence)


def test_a_coin_without_news_has_a_mood_that_says_so(coin: Asset) -> None:
    said = moods([coin.pk], at=NOON)[coin.pk]

    assert (said.mood.items, said.mood.intensity, said.mood.absent) == (0, 0, "too_few_items")


def test_what_was_not_known_yet_does_not_count(coin: Asset) -> None:
    story(coin, age=-0.1)
    story(coin, age=1, fetched_at=NOON + timedelta(seconds=1))
    known = story(coin, age=1)

    assert moods([coin.pk], at=NOON)[coin.pk].evidence == [known]


def test_the_score_of_another_version_does_not_count(coin: Asset) -> None:
    story(coin, age=1)

    assert moods([coin.pk], at=NOON, model_version="lexicon-0")[coin.pk].evidence == []


def test_many_assets_ask_as_many_questions_as_one(coin: Asset, django_assert_num_queries: Any) -> None:
    others = [AssetFactory.create() for _ in range(5)]
    for asset in (coin, *others):
        story(asset, age=1)

    with django_assert_num_queries(4):
        found = news_mood.moods([coin.pk, *(asset.pk for asset in others)], at=NOON)

    assert [said.mood.items for said in found.values()] == [1] * 6


def said(feed: NewsFeed, title: str, *, hours: int) -> None:
    """The feed tells its story of noon in these words so many hours later."""
    headline = Headline("1", "https://news.example.com/1", title, "", "en", NOON)
    news.store(feed, [headline], at=NOON + timedelta(hours=hours))


def test_what_was_known_before_a_headline_was_rewritten_is_read_in_the_words_it_had(db: None) -> None:
    bitcoin, ether = (AssetFactory.create(slug=name.lower(), name=name) for name in ("Bitcoin", "Ethereum"))
    feed = NewsFeedFactory.create()
    titles = ["Bitcoin exchange hacked", "Ethereum exchange hacked", "Exchange is safe and sound"]
    for hours, title in zip((0, 2, 4), titles, strict=True):
        said(feed, title, hours=hours)

    item = NewsItem.objects.get()
    found = {
        hours: {
            asset.name: (mood.evidence, mood.mood.net_negativity > 0, mood.events)
            for asset in (bitcoin, ether)
            for mood in [moods([bitcoin.pk, ether.pk], at=NOON + timedelta(hours=hours))[asset.pk]]
        }
        for hours in (1, 3, 5)
    }
    nothing: tuple[list[int], bool, dict[str, list[int]]] = ([], False, {})
    hacked = ([item.pk], True, {"hack": [item.pk]})
    assert found == {
        1: {"Bitcoin": hacked, "Ethereum": nothing},
        3: {"Bitcoin": nothing, "Ethereum": hacked},
        5: {"Bitcoin": nothing, "Ethereum": nothing},
    }


def test_what_was_judged_later_does_not_count_for_whoever_reads_again(coin: Asset) -> None:
    early, late = story(coin, age=1), story(coin, age=2)
    NewsItem.objects.get(pk=late).scores.update(scored_at=NOON + timedelta(minutes=1))

    assert moods([coin.pk], at=NOON)[coin.pk].evidence == [early, late]
    assert moods([coin.pk], at=NOON, judged_by=NOON)[coin.pk].evidence == [early]
