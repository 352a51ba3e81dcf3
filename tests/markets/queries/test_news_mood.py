from datetime import timedelta
from typing import Any

import pytest

from markets.models import Asset
from markets.queries import news_mood
from markets.queries.news_mood import moods
from tests.markets.factories import NOON, AssetFactory, NewsItemFactory, NewsScoreFactory

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

    with django_assert_num_queries(3):
        found = news_mood.moods([coin.pk, *(asset.pk for asset in others)], at=NOON)

    assert [said.mood.items for said in found.values()] == [1] * 6
