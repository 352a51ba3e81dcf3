"""Collecting news from every feed; what ails one feed is no matter of the others."""

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from config.kernel import clock
from markets import feeds
from markets.actions import news, news_scores
from markets.models import NewsFeed, SyncRun
from markets.providers.news import FeedReader
from markets.runs import single_answer

RESCORE_LIMIT = 2_000
"""Items that one collection also judges anew after the scorer has changed; the next ones go on."""

log = structlog.get_logger(__name__)


def collect(slug: str | None = None) -> list[SyncRun]:
    """Read the feeds that may be read, or the one of that slug: one run a feed, also for those that failed."""
    runs = []
    for feed, reader in feeds.news_readers():
        if slug in (None, feed.slug):
            try:
                runs.append(_collect(feed, reader))
            except SoftTimeLimitExceeded:
                # The time of all feeds is over, not that of this one.
                raise
            except Exception:
                # Its run tells that nothing was stored; the next feed has nothing to do with it.
                log.exception("news.not_stored", feed=feed.slug)
    news_scores.score_missing(limit=RESCORE_LIMIT, at=clock.now())
    return runs


def _collect(feed: NewsFeed, reader: FeedReader) -> SyncRun:
    return single_answer.perform(
        SyncRun.Kind.NEWS,
        reader.name,
        ask=lambda: reader.headlines(clock.now()),
        store=lambda judged: news.store(feed, judged.rows, at=clock.now()),
    )
