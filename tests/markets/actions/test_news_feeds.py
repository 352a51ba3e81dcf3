import pytest

from accounts.models import AuditEntry
from config.kernel.errors import ValidationFailed
from markets.actions import news_feeds
from markets.models import NewsFeed
from tests.accounts.factories import UserFactory
from tests.markets.factories import NOON, NewsFeedFactory

pytestmark = pytest.mark.django_db

URL = "https://news.example.com/rss"


def test_a_new_installation_reads_three_feeds() -> None:
    assert list(NewsFeed.objects.values_list("slug", flat=True)) == ["coindesk", "cointelegraph", "decrypt"]


def test_a_feed_is_added_and_audited() -> None:
    person = UserFactory.create()

    feed = news_feeds.add(slug="example", name="Example", url=URL, by=person, reason="Good.", at=NOON)

    entry = AuditEntry.objects.about(feed).get()
    assert (entry.verb, entry.actor, entry.reason) == ("markets.news_feed.added", person, "Good.")
    assert entry.after == {"name": "Example", "url": URL}
    assert feed.provider == "news:example"


def test_a_change_tells_what_changed() -> None:
    feed = NewsFeedFactory.create(name="Example")
    old = feed.url

    news_feeds.change(feed, name="Example", url=URL, by=UserFactory.create(), reason="Moved.", at=NOON)

    feed.refresh_from_db()
    entry = AuditEntry.objects.about(feed).get()
    assert feed.url == URL
    assert (entry.before, entry.after) == ({"url": old}, {"url": URL})


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/", "Good."),
        ("https://localhost/", "Good."),
        ("file:///etc/passwd", "Good."),
        (URL, " "),
    ],
)
def test_an_address_that_we_do_not_fetch_and_no_reason_are_refused(url: str, reason: str) -> None:
    feed = NewsFeedFactory.create()
    before = list(NewsFeed.objects.values())

    with pytest.raises(ValidationFailed):
        news_feeds.add(slug="example", name="Example", url=url, by=UserFactory.create(), reason=reason, at=NOON)
    with pytest.raises(ValidationFailed):
        news_feeds.change(feed, name="Example", url=url, by=UserFactory.create(), reason=reason, at=NOON)

    assert list(NewsFeed.objects.values()) == before
    assert not AuditEntry.objects.exists()
