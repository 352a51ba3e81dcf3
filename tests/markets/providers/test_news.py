"""Feeds in words of our own, kind and hostile."""

import gzip
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from markets.providers import news, registry
from markets.providers.breaker import Breaker
from markets.providers.budget import Budget, Quota
from markets.providers.client import MEGABYTE, Client
from markets.providers.errors import BadRequest, Malformed, NotFound, ProviderError, TooLarge, Unavailable
from markets.providers.news import FeedReader, parse_headlines, refuse_unless_feed
from markets.providers.registry import ProviderConfig, feed_reader
from markets.providers.store import MemoryStore
from markets.providers.transport import DeadlineTransport, PublicBackend

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ITEM = {
    "title": "Bridge hacked",
    "link": "https://news.example.com/1?utm_source=rss",
    "guid": "1",
    "pubDate": "Sun, 01 Mar 2026 06:30:00 -0500",
    "description": "&lt;p&gt;All gone.&lt;/p&gt;",
}
XML = {"Content-Type": "application/rss+xml; charset=utf-8"}


def rss(*items: dict[str, str] | str, language: str = "en-US") -> bytes:
    """A feed of these items: as elements by name, or as they are."""
    texts = [
        item
        if isinstance(item, str)
        else "<item>" + "".join(f"<{name}>{text}</{name}>" for name, text in item.items()) + "</item>"
        for item in items
    ]
    head = (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
    )
    return f"{head}<title>News</title><language>{language}</language>{''.join(texts)}</channel></rss>".encode()


def refuse(body: bytes, *, status: int = 200, content_type: str = "text/xml") -> None:
    refuse_unless_feed("news:example", status, body, content_type=content_type, retry_after=None)


def test_an_item_is_cleaned_and_dated_in_utc() -> None:
    read = parse_headlines(rss(ITEM), AT)

    (item,) = read.rows
    assert read.rejects == []
    assert (item.guid, item.url, item.title, item.summary) == (
        "1",
        "https://news.example.com/1",
        "Bridge hacked",
        "All gone.",
    )
    assert (item.language, item.published_at) == ("en-us", datetime(2026, 3, 1, 11, 30, tzinfo=UTC))
    assert len(item.digest) == 32


def test_atom_is_read_as_well() -> None:
    body = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><id>a</id><title>Chain halts</title>'
        b'<link href="https://news.example.com/a"/><updated>2026-03-01T10:00:00Z</updated><summary>Why</summary>'
        b"</entry></feed>"
    )
    refuse(body, content_type="application/atom+xml")

    (item,) = parse_headlines(body, AT).rows

    assert (item.guid, item.title, item.summary, item.published_at.hour) == ("a", "Chain halts", "Why", 10)


def test_an_empty_second_description_does_not_hide_the_first() -> None:
    (item,) = parse_headlines(rss(f"<item>{_elements(ITEM)}<dc:description/></item>"), AT).rows

    assert item.summary == "All gone."


def _elements(item: dict[str, str]) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in item.items())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": ""}, "missing_field"),
        ({"title": "&lt;img src=x onerror=alert(1)&gt;"}, "missing_field"),
        ({"link": ""}, "missing_field"),
        ({"link": "javascript:alert(1)"}, "unsafe_link"),
        ({"link": "https://user@news.example.com/"}, "unsafe_link"),
        ({"pubDate": ""}, "missing_field"),
        ({"pubDate": "yesterday"}, "missing_field"),
        ({"pubDate": "Sun, 01 Mar 2026 12:05:01 +0000"}, "future_timestamp"),
        ({"pubDate": "Fri, 02 Jan 2009 00:00:00 +0000"}, "ancient_timestamp"),
    ],
)
def test_an_item_that_cannot_be_believed_is_refused_and_its_neighbour_is_not(
    changes: dict[str, str], reason: str
) -> None:
    good = ITEM | {"guid": "2", "link": "https://news.example.com/2"}

    read = parse_headlines(rss(ITEM | changes, good), AT)

    assert [item.guid for item in read.rows] == ["2"]
    (reject,) = read.rejects
    assert (reject.external_id, reject.reason) == ("1", reason)
    assert '"id":"1"' in reject.raw


def test_titles_lose_markup_and_what_turns_the_line() -> None:
    title = "&lt;b&gt;Bit\u202ecoin\u202c&lt;/b&gt;&lt;img src=x onerror=alert(1)&gt; up\u200b \U0001f680"

    (item,) = parse_headlines(rss(ITEM | {"title": title}), AT).rows

    assert item.title == "Bitcoin up \U0001f680"


def test_of_two_items_with_one_guid_the_first_stays() -> None:
    read = parse_headlines(rss(ITEM, ITEM | {"title": "Another", "link": "https://news.example.com/2"}), AT)

    assert [item.title for item in read.rows] == ["Bridge hacked"]
    assert [reject.reason for reject in read.rejects] == ["duplicate"]


def test_without_a_guid_the_link_is_one_and_a_long_one_is_shortened() -> None:
    nameless = {name: text for name, text in ITEM.items() if name != "guid"}
    long = ITEM | {"guid": "g" * 5_000, "link": "https://news.example.com/2"}

    read = parse_headlines(rss(nameless, long), AT)

    assert read.rows[0].guid == ITEM["link"]
    assert read.rows[1].guid.startswith("sha256:")
    assert len(read.rows[1].guid) < 100


def test_a_language_that_is_none_is_not_known() -> None:
    assert parse_headlines(rss(ITEM, language="&lt;script&gt;"), AT).rows[0].language == ""


def test_what_feedparser_reads_is_never_opened_as_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(rss(ITEM))

    assert parse_headlines(str(secret).encode(), AT).rows == []


BOMB = b'<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><rss><channel/></rss>'
EXTERNAL = b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BOMB, "document type"),
        (EXTERNAL, "document type"),
        (b'<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd"><rss/>', "document type"),
        (BOMB.decode().encode("utf-16"), "document type"),
        (b"<!DOCTYPE html><html><body>Hello</body></html>", "document type"),
        (b"<html><body>Hello</body></html>", "not a feed"),
        (b"<rss><channel>", "not well-formed"),
        (b"<rss>&nbsp;</rss>", "not well-formed"),
        (b'{"error":"no"}', "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><rss/>', "not well-formed|encoding"),
        (b"<rss>" + b"<a>" * 100 + b"</a>" * 100 + b"</rss>", "deeper"),
        (b"  ", "empty"),
    ],
)
def test_a_document_that_is_no_harmless_feed_is_refused_whole(body: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        refuse(body)


def test_what_was_judged_as_text_is_not_read_as_markup() -> None:
    smuggled = "<item><title>Smuggled</title><link>https://news.example.com/2</link></item>" * 2
    body = rss(
        f"<item><title>Honest</title><description><![CDATA[]]<dc:description/>>{smuggled}]]></description></item>"
    )
    refuse(body)

    headlines = parse_headlines(body, AT)

    assert len(headlines.rows) + len(headlines.rejects) == 1


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "image/png", "text/html; charset=utf-8"])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(Malformed, match="content type"):
        refuse(rss(ITEM), content_type=content_type)


@pytest.mark.parametrize("content_type", ["", "text/xml", "application/xml;charset=utf-8", "application/rdf+xml"])
def test_every_type_of_feeds_is_taken(content_type: str) -> None:
    refuse(rss(ITEM), content_type=content_type)


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, Malformed), (302, Malformed), (204, Malformed), (404, NotFound), (429, ProviderError), (503, Unavailable)],
)
def test_another_status_is_the_error_that_it_says(status: int, error: type[ProviderError]) -> None:
    with pytest.raises(error):
        refuse(rss(ITEM), status=status)


@pytest.mark.parametrize("item", ["<item><title>x</title></item>", '<a:entry xmlns:a="http://www.w3.org/2005/Atom"/>'])
def test_a_hundred_thousand_items_are_too_many(item: str) -> None:
    started = time.monotonic()

    with pytest.raises(TooLarge, match="more than 1000 items"):
        refuse(rss(*[item] * 100_000))

    assert time.monotonic() - started < 30


@pytest.mark.parametrize("name", ["a{}", "xmlns:a{}"])
def test_an_element_has_as_many_attributes_as_a_feed_may_need(name: str) -> None:
    def feed(attributes: int) -> bytes:
        said = " ".join(f'{name.format(number)}="x"' for number in range(attributes))
        return rss(f"<item><title {said}>Bitcoin</title></item>")

    refuse(feed(64))
    with pytest.raises(TooLarge, match="more than 64 attributes"):
        refuse(feed(65))


def test_a_text_without_an_end_is_too_large() -> None:
    with pytest.raises(TooLarge, match="characters"):
        refuse(rss(ITEM | {"description": "x" * 500_000}))


Reply = Callable[[httpx.Request], httpx.Response]


def reader(reply: Reply, *, url: str = "https://news.example.com/feed?format=rss") -> FeedReader:
    client = Client(
        "news:example",
        news.origin(url),
        budget=Budget("news:example", (Quota(60, 60),), MemoryStore()),
        breaker=Breaker("news:example", MemoryStore()),
        accept=news.ACCEPT,
        refuse=refuse_unless_feed,
        is_secure=False,
        byte_cap=news.BYTE_CAP,
        attempts=1,
        transport=httpx.MockTransport(reply),
    )
    return FeedReader(client, url)


def test_a_feed_is_asked_for_xml_at_its_own_address() -> None:
    asked: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers=XML, stream=httpx.ByteStream(rss(ITEM)))

    answer, read = reader(reply).headlines(AT)

    assert str(asked[0].url) == "https://news.example.com/feed?format=rss"
    assert asked[0].headers["accept"] == news.ACCEPT
    assert (answer.provider, len(read.rows)) == ("news:example", 1)


def test_two_hundred_megabytes_in_a_small_answer_are_never_unpacked() -> None:
    packed = gzip.compress(b"\0" * (200 * MEGABYTE), compresslevel=1)
    headers = XML | {"Content-Encoding": "gzip"}

    with pytest.raises(TooLarge, match="over"):
        reader(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(packed))).headlines(AT)


def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://169.254.169.254/"}, stream=httpx.ByteStream(b""))

    with pytest.raises(Malformed):
        reader(reply).headlines(AT)

    assert len(asked) == 1


def test_an_address_that_has_become_forbidden_is_not_asked() -> None:
    def reply(_: httpx.Request) -> httpx.Response:
        raise AssertionError("nobody is asked")

    with pytest.raises(BadRequest, match="private"):
        reader(reply, url="http://10.0.0.7/feed").headlines(AT)


@pytest.fixture
def rebound(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name server that answers with an address of this machine; the names that it was asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    monkeypatch.setattr(registry, "public_transport", lambda: DeadlineTransport(PublicBackend(resolve)))
    return asked


def test_a_public_name_that_resolves_into_our_network_is_refused_when_it_is_connected_to(rebound: list[str]) -> None:
    with pytest.raises(BadRequest, match="private"):
        feed_reader("news:example", "https://news.example.com/feed", ProviderConfig()).headlines(AT)

    assert rebound == ["news.example.com"]


@pytest.mark.real_data
def test_recorded_feeds_are_read_whole(real_data: Path) -> None:
    counts = {}
    for file in sorted((real_data / "news" / "rss").glob("*.xml")):
        body = file.read_bytes()
        refuse(body)
        read = parse_headlines(body, datetime(2026, 11, 1, tzinfo=UTC))
        assert read.rejects == []
        assert all(item.title and item.url.startswith("https://") for item in read.rows)
        counts[file.name] = (len(read.rows), sum(bool(item.summary) for item in read.rows))

    assert counts == {
        "coindesk_2026-09-25_3items.xml": (3, 3),
        "skel_coindesk.rss.xml": (25, 25),
        "skel_coingtelegraph-all.rss.xml": (30, 30),
        "skel_decrypt.rss.xml": (58, 57),
    }
