from datetime import datetime, timedelta

import pytest

from markets.actions import news, news_scores
from markets.actions.stored_rows import StoredRows
from markets.models import Asset, Market, NewsFeed, NewsItem, NewsMention, NewsScore, NewsWording
from markets.providers.news import Headline
from markets.sentiment import scorer
from tests.markets.factories import NOON, AssetFactory, NewsFeedFactory, NewsItemFactory, NewsScoreFactory, QuoteFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(db: None) -> NewsFeed:
    return NewsFeedFactory.create()


@pytest.fixture
def bitcoin(db: None) -> Asset:
    return QuoteFactory.create(asset__slug="bitcoin", asset__symbol="BTC", asset__name="Bitcoin", rank=1).asset


def headline(
    guid: str = "1",
    title: str = "Bitcoin exchange hacked for millions of dollars",
    at: datetime = NOON,
    summary: str = "",
) -> Headline:
    return Headline(guid, f"https://news.example.com/{guid}", title, summary, "en", at)


def data_version() -> int:
    return Market.objects.get().data_version


def test_a_story_is_stored_with_whom_it_is_about_and_its_score(feed: NewsFeed, bitcoin: Asset) -> None:
    before = data_version()

    stored = news.store(feed, [headline(summary="No evidence of insolvency.")], at=NOON)

    assert stored == StoredRows(inserted=1)
    item = NewsItem.objects.get()
    mention, score = NewsMention.objects.get(), NewsScore.objects.get()
    assert (item.feed, item.guid, item.published_at, item.fetched_at) == (feed, "1", NOON, NOON)
    assert (mention.asset, mention.matched_by, mention.term) == (bitcoin, "name", "Bitcoin")
    assert (score.events, score.possible_events, score.model_version) == (["hack"], [], scorer.model_version())
    assert score.tone < 0 < score.negativity
    assert data_version() == before + 1


def test_the_same_headline_again_changes_nothing(feed: NewsFeed) -> None:
    news.store(feed, [headline()], at=NOON)
    before = data_version()

    assert news.store(feed, [headline()], at=NOON + timedelta(hours=1)) == StoredRows(unchanged=1)

    assert (NewsItem.objects.get().fetched_at, data_version()) == (NOON, before)


def test_a_rewritten_headline_is_matched_and_scored_anew(feed: NewsFeed, bitcoin: Asset) -> None:
    news.store(feed, [headline()], at=NOON)

    stored = news.store(feed, [headline(title="Exchange says the coins are safe after all")], at=NOON)

    assert stored == StoredRows(updated=1)
    assert NewsItem.objects.get().title == "Exchange says the coins are safe after all"
    assert not NewsMention.objects.exists()
    assert NewsScore.objects.get().events == []


def test_the_words_before_stay_with_whom_they_named_and_their_score(feed: NewsFeed, bitcoin: Asset) -> None:
    news.store(feed, [headline(summary="Funds are gone.")], at=NOON)
    before = NewsScore.objects.get()

    news.store(feed, [headline(title="Exchange says the coins are safe after all")], at=NOON + timedelta(hours=1))

    kept = NewsWording.objects.get()
    assert (kept.title, kept.summary) == (headline().title, "Funds are gone.")
    assert (kept.asset_ids, kept.replaced_at) == ([bitcoin.pk], NOON + timedelta(hours=1))
    assert kept.scores == {
        scorer.model_version(): {"tone": before.tone, "events": ["hack"], "scored_at": NOON.isoformat()}
    }


def test_another_version_judges_the_words_before_too(feed: NewsFeed) -> None:
    for title in (headline().title, "Exchange says the coins are safe after all"):
        news.store(feed, [headline(title=title)], at=NOON)
    kept = NewsWording.objects.get()
    said = kept.scores
    NewsWording.objects.update(scores={"lexicon-0": {"tone": 0.0, "events": [], "scored_at": NOON.isoformat()}})

    assert news_scores.score_missing(limit=10, at=NOON) == 1
    assert news_scores.score_missing(limit=10, at=NOON) == 0

    kept.refresh_from_db()
    assert kept.scores.keys() == {"lexicon-0", scorer.model_version()}
    assert kept.scores[scorer.model_version()] == said[scorer.model_version()]


@pytest.mark.parametrize(
    "repeat",
    [
        Headline("other", "https://news.example.com/1", "Quite another title for one page", "", "en", NOON),
        headline("2", "Bitcoin Exchange Hacked for Millions of Dollars!", NOON + timedelta(days=3)),
        headline("2", "Bitcoin exchange hacked for the millions of dollars", NOON - timedelta(days=2)),
    ],
)
def test_a_story_that_another_feed_repeats_is_known(feed: NewsFeed, repeat: Headline) -> None:
    news.store(feed, [headline()], at=NOON)

    assert news.store(NewsFeedFactory.create(), [repeat], at=NOON) == StoredRows(unchanged=1)

    assert NewsItem.objects.get().feed == feed


@pytest.mark.parametrize(
    "other",
    [
        headline("2", "Bitcoin exchange hacked for millions of dollars", NOON + timedelta(days=3, seconds=1)),
        headline("2", "Ether exchange hacked for thousands of euros"),
    ],
)
def test_a_story_of_another_day_or_in_other_words_is_another_one(feed: NewsFeed, other: Headline) -> None:
    news.store(feed, [headline()], at=NOON)

    assert news.store(feed, [other], at=NOON) == StoredRows(inserted=1)


@pytest.mark.parametrize(
    ("title", "other"),
    [
        (
            "Binance to delist ALPACA and remove its trading pairs next week",
            "Binance to delist WING and remove its trading pairs next week",
        ),
        (
            "SEC approves spot Solana ETF for trading on Nasdaq this week",
            "SEC rejects spot Solana ETF for trading on Nasdaq this week",
        ),
        (
            "Exchange was hacked on Tuesday for millions of dollars in ether",
            "Exchange was not hacked on Tuesday for millions of dollars in ether",
        ),
    ],
    ids=["of another asset", "of the opposite", "of a denial"],
)
def test_a_story_in_nearly_the_same_words_is_another_one(feed: NewsFeed, title: str, other: str) -> None:
    for rank, symbol in enumerate(["ALPACA", "WING"], start=1):
        QuoteFactory.create(
            asset__slug=symbol.lower(), asset__symbol=symbol, asset__name=f"{symbol} Finance", rank=rank
        )

    assert news.store(feed, [headline("1", title), headline("2", other)], at=NOON) == StoredRows(inserted=2)


def test_an_event_of_the_year_of_its_publication_is_no_history(feed: NewsFeed) -> None:
    news.store(feed, [headline(title=f"Exchange suffers the largest {NOON.year} hack yet")], at=NOON)

    assert NewsScore.objects.get().events == ["hack"]


def test_short_titles_come_again(feed: NewsFeed) -> None:
    assert news.store(feed, [headline("1", "Market wrap"), headline("2", "Market wrap")], at=NOON).inserted == 2


def test_two_repeats_in_one_feed_are_one_story(feed: NewsFeed) -> None:
    assert news.store(feed, [headline("1"), headline("2")], at=NOON) == StoredRows(inserted=1, unchanged=1)


def test_assets_that_are_not_listed_are_in_no_news(feed: NewsFeed) -> None:
    AssetFactory.create(symbol="BTC", name="Bitcoin", is_active=False)

    news.store(feed, [headline()], at=NOON)

    assert not NewsMention.objects.exists()


def test_nothing_is_nothing(feed: NewsFeed) -> None:
    assert news.store(feed, [], at=NOON) == StoredRows()


def test_another_version_adds_its_scores_and_leaves_the_old_ones() -> None:
    old = NewsScoreFactory.create(model_version="lexicon-0", tone=0.5)
    NewsItemFactory.create(title="Token soars")

    assert news_scores.score_missing(limit=10, at=NOON) == 2
    assert news_scores.score_missing(limit=10, at=NOON) == 0

    old.refresh_from_db()
    assert old.tone == 0.5
    assert NewsScore.objects.filter(model_version=scorer.model_version()).count() == 2


def test_a_limit_takes_the_newest_first() -> None:
    NewsItemFactory.create(published_at=NOON - timedelta(days=1))
    newest = NewsItemFactory.create()

    assert news_scores.score_missing(limit=1, at=NOON) == 1

    assert NewsScore.objects.get().item == newest


def test_an_item_that_is_judged_already_is_not_judged_again() -> None:
    score = NewsScoreFactory.create(tone=0.5)

    news_scores.score([score.item], at=NOON)

    assert NewsScore.objects.get().tone == 0.5
