from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from markets.models import NewsFeed, ProviderState
from tests.markets.factories import NOON, NewsFeedFactory, NewsItemFactory, NewsScoreFactory, ProviderStateFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FEEDS = "/admin/markets/newsfeed/"
NEWS = "/admin/markets/newsitem/"
GIVEN = {"slug": "example", "name": "Example", "url": "https://news.example.com/rss", "reason": "Good."}


def test_operator_adds_a_feed_and_says_why(client: Client, operator: User) -> None:
    assert client.post(f"{FEEDS}add/", GIVEN).status_code == 302

    feed = NewsFeed.objects.get(slug="example")
    entry = AuditEntry.objects.about(feed).get()
    assert (entry.verb, entry.actor, entry.reason) == ("markets.news_feed.added", operator, "Good.")


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://127.0.0.1/rss"},
        {"url": "http://[::ffff:10.0.0.1]/"},
        {"url": "https://user:word@news.example.com/"},
        {"url": "https://news.example.com:8443/"},
        {"url": "ftp://news.example.com/"},
        {"url": "javascript:alert(1)"},
        {"reason": " "},
        {"slug": "coindesk"},
        {"url": "https://decrypt.co/feed"},
    ],
)
def test_a_feed_that_cannot_be_is_refused(client: Client, operator: User, changes: dict[str, str]) -> None:
    before = list(NewsFeed.objects.values())

    assert client.post(f"{FEEDS}add/", GIVEN | changes).status_code == 200

    assert list(NewsFeed.objects.values()) == before
    assert not AuditEntry.objects.exists()


def test_operator_moves_a_feed_whose_slug_stays(client: Client, operator: User) -> None:
    feed = NewsFeedFactory.create(slug="old")

    assert client.post(f"{FEEDS}{feed.pk}/change/", GIVEN | {"slug": "new"}).status_code == 302

    feed.refresh_from_db()
    assert (feed.slug, feed.name, feed.url) == ("old", "Example", GIVEN["url"])
    assert AuditEntry.objects.about(feed).verbs() == ["markets.news_feed.changed"]


def test_moderator_only_looks(client: Client, moderator: User) -> None:
    feed = NewsFeedFactory.create()

    assert "reason" not in client.get(f"{FEEDS}{feed.pk}/change/").content.decode()
    assert client.post(f"{FEEDS}add/", GIVEN).status_code == 403
    assert client.post(f"{FEEDS}{feed.pk}/change/", GIVEN).status_code == 403

    assert not NewsFeed.objects.filter(slug="example").exists()


@pytest.mark.parametrize(("action", "before"), [("disable", True), ("enable", False)])
def test_operator_switches_a_feed(client: Client, operator: User, action: str, before: bool) -> None:
    feed = NewsFeed.objects.get(slug="coindesk")
    if not before:
        ProviderStateFactory.create(name=feed.provider, is_enabled=False)

    client.post(FEEDS, {"action": action, "_selected_action": [feed.pk], "reason": "We saw why."})

    assert ProviderState.objects.get(name="news:coindesk").is_enabled is not before
    assert AuditEntry.objects.get().verb == f"markets.provider.{action}d"


@pytest.mark.parametrize(
    ("fields", "health"),
    [
        ({}, "not read yet"),
        ({"last_success_at": NOON}, "well"),
        ({"consecutive_failures": 2, "last_error_code": "malformed"}, "failing: malformed"),
        ({"is_enabled": False}, "disabled"),
    ],
)
def test_list_shows_how_a_feed_is(client: Client, moderator: User, fields: dict[str, Any], health: str) -> None:
    feed = NewsFeedFactory.create()
    ProviderStateFactory.create(name=feed.provider, **fields)

    assert f">{health}</span>" in client.get(FEEDS, {"q": feed.slug}).content.decode()


@pytest.mark.parametrize(
    ("question", "titles"),
    [
        ({"tone": "negative"}, ["bad"]),
        ({"tone": "neutral"}, ["dull"]),
        ({"tone": "positive"}, ["good"]),
        ({"tone": "none"}, ["new"]),
        ({"event": "hack"}, ["bad"]),
    ],
)
def test_news_are_found_by_tone_and_event(
    client: Client, moderator: User, question: dict[str, str], titles: list[str]
) -> None:
    for title, tone in (("bad", -0.1), ("dull", 0.05), ("good", 0.7)):
        NewsScoreFactory.create(item__title=title, tone=tone, events=["hack"] if tone < 0 else [])
    NewsItemFactory.create(title="new")

    page = client.get(NEWS, question)

    assert [item.title for item in page.context["cl"].result_list] == titles


def test_a_hostile_headline_is_shown_as_text(client: Client, moderator: User) -> None:
    item = NewsItemFactory.create(title="<img src=x onerror=alert(1)>")
    NewsScoreFactory.create(item=item, possible_events=["hack"])

    pages = [client.get(NEWS).content.decode(), client.get(f"{NEWS}{item.pk}/change/").content.decode()]

    assert all("<img src=x" not in page and "&lt;img src=x" in page for page in pages)
    assert "hack?" in pages[0]
