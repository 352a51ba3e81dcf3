"""Storing news: each story once, whoever repeats it, with the assets that it is about and its score."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from markets.actions import market, news_scores
from markets.actions.stored_rows import StoredRows
from markets.models import Asset, NewsFeed, NewsItem, NewsMention, NewsWording
from markets.providers.news import Headline
from markets.sentiment import mentions, scorer
from markets.sentiment.evaluation import NEUTRAL_WITHIN
from markets.sentiment.mentions import Candidate, Directory

SAME_STORY_WITHIN = timedelta(days=3)
SAME_STORY_SHARE = 0.8
"""Of the words of both titles: from here on one repeats the other."""
_FEWEST_WORDS = 4  # shorter titles ("Market wrap") come again without being the same story

Words = frozenset[str]


@transaction.atomic
def store(feed: NewsFeed, headlines: Sequence[Headline], *, at: datetime) -> StoredRows:
    """Store the headlines of a feed. A story that is known by its address or its title counts as unchanged.

    A headline that its feed has rewritten is updated, matched and scored anew: a score belongs to words that stand. The
    words before stay on record with their scores, for whoever asks what was known earlier.
    """
    if not headlines:
        return StoredRows()
    with connection.cursor() as cursor:
        # Two feeds may tell one story at the same moment.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('market news'))")
    known = {item.guid: item for item in feed.items.filter(guid__in=[headline.guid for headline in headlines])}
    rewritten = [
        _rewrite(known[headline.guid], headline, at=at)
        for headline in headlines
        if headline.guid in known and bytes(known[headline.guid].digest) != headline.digest
    ]
    unknown = [headline for headline in headlines if headline.guid not in known]
    if not (unknown or rewritten):
        return StoredRows(unchanged=len(headlines))
    assets = directory()
    new = [
        NewsItem(
            feed=feed,
            guid=headline.guid,
            url=headline.url,
            title=headline.title,
            summary=headline.summary,
            language=headline.language,
            published_at=headline.published_at,
            fetched_at=at,
            digest=headline.digest,
        )
        for headline in _new_stories(unknown, assets)
    ]
    NewsItem.objects.bulk_create(new)
    if new or rewritten:
        _tell([*new, *rewritten], assets, at=at)
        market.touch(at=at)
    return StoredRows(len(new), len(rewritten), len(headlines) - len(new) - len(rewritten))


def directory() -> Directory:
    """Every listed asset by the names under which news may speak of it."""
    rows = Asset.objects.listed().values_list("pk", "symbol", "name", "quote__rank")
    return Directory.of(Candidate(*row) for row in rows.iterator())


def _rewrite(item: NewsItem, headline: Headline, *, at: datetime) -> NewsItem:
    NewsWording.objects.create(
        item=item,
        title=item.title,
        summary=item.summary,
        asset_ids=sorted(item.mentions.values_list("asset_id", flat=True)),
        scores={score.model_version: news_scores.kept(score) for score in item.scores.all()},
        replaced_at=at,
    )
    item.title, item.summary, item.digest = headline.title, headline.summary, headline.digest
    item.save(update_fields=["title", "summary", "digest"])
    item.mentions.all().delete()
    item.scores.all().delete()
    return item


def _new_stories(headlines: Sequence[Headline], assets: Directory) -> Iterable[Headline]:
    """Those that no feed has told yet, in the order given; of repeats among them the first."""
    if not headlines:
        return
    addresses = set(
        NewsItem.objects.filter(url__in=[headline.url for headline in headlines]).values_list("url", flat=True)
    )
    moments = [headline.published_at for headline in headlines]
    around = NewsItem.objects.filter(
        published_at__gte=min(moments) - SAME_STORY_WITHIN, published_at__lte=max(moments) + SAME_STORY_WITHIN
    ).values_list("title", "published_at")
    told = [(title, _words(title), moment) for title, moment in around]
    for headline in headlines:
        words = _words(headline.title)
        if headline.url in addresses or any(
            abs(moment - headline.published_at) <= SAME_STORY_WITHIN
            and _are_alike(words, others)
            and _say_the_same(headline.title, title, assets)
            for title, others, moment in told
        ):
            continue
        addresses.add(headline.url)
        told.append((headline.title, words, headline.published_at))
        yield headline


def _words(title: str) -> Words:
    return frozenset(re.findall(r"\w+", title.casefold()))


def _are_alike(words: Words, others: Words) -> bool:
    if min(len(words), len(others)) < _FEWEST_WORDS:
        return False
    return len(words & others) >= SAME_STORY_SHARE * len(words | others)


def _say_the_same(title: str, other: str, assets: Directory) -> bool:
    """Whether titles in nearly the same words are about the same assets and events, and neither says the opposite."""
    said, before = scorer.assess(title), scorer.assess(other)
    are_opposite = said.tone * before.tone < 0 and min(abs(said.tone), abs(before.tone)) >= NEUTRAL_WITHIN
    return (
        not are_opposite and set(said.events) == set(before.events) and _about(title, assets) == _about(other, assets)
    )


def _about(title: str, assets: Directory) -> set[int]:
    return {mention.asset_id for mention in mentions.find(title, assets)}


def _tell(items: Sequence[NewsItem], assets: Directory, *, at: datetime) -> None:
    """Find out whom the items are about, and judge them."""
    found: Mapping[int, list[mentions.Mention]] = {
        item.pk: mentions.find(news_scores.text_of(item), assets) for item in items
    }
    NewsMention.objects.bulk_create(
        NewsMention(item_id=item_id, asset_id=mention.asset_id, matched_by=mention.matched_by, term=mention.term)
        for item_id, named in found.items()
        for mention in named
    )
    news_scores.score(items, at=at)
