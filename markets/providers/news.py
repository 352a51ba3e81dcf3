"""Headlines from RSS and Atom documents that we fetch ourselves.

A document is judged before anything reads it: one that declares a document type, is no feed, is not well-formed, nests
deeper or holds more than a feed has reason to, is refused whole. What `feedparser` then makes of its bytes is text to
be cleaned; it is never given anything that it could open or fetch.
"""

import calendar
import re
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

import feedparser
import msgspec

from config.kernel.outbound import ForbiddenDestination, require_public_url
from markets.providers.answers import refuse_errors
from markets.providers.bars import GENESIS
from markets.providers.client import MEGABYTE, Client
from markets.providers.errors import BadRequest, Malformed, TooLarge
from markets.providers.normalise import CLOCK_TOLERANCE
from markets.providers.plain_text import plain
from markets.providers.provider import RawAnswer
from markets.providers.rejects import Reason, Reject, readable
from markets.providers.web_links import canonical

ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8"
BYTE_CAP = 4 * MEGABYTE
MAX_ITEMS = 1_000
TITLE_LIMIT = 300
SUMMARY_LIMIT = 500
_MAX_DEPTH = 64
_MAX_ATTRIBUTES = 64  # of an element; the time that feedparser takes grows with their square
_MAX_TEXT = 400_000  # characters between two tags; whole articles are shorter
_GUID_LIMIT = 200
_ROOTS = frozenset(("rss", "rdf", "feed"))
_TYPES = frozenset(
    ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/xml", "text/xml", "")
)
_EMPTY_DESCRIPTION = re.compile(rb"<dc:description\s*/>|<dc:description>\s*</dc:description>")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})?\Z")


@dataclass(frozen=True, slots=True)
class Headline:
    """One item of a feed, cleaned: plain text, a link that may be followed, an instant that can be true."""

    guid: str
    url: str
    title: str
    summary: str
    language: str
    published_at: datetime

    @property
    def digest(self) -> bytes:
        """By which a changed item is told from the same one."""
        return sha256(f"{self.title}\n{self.summary}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Headlines:
    """The believable items of a feed, each guid once, and what was refused."""

    rows: list[Headline] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class FeedReader:
    """Reads one feed at its address."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url

    @property
    def name(self) -> str:
        """Of the feed, among the providers."""
        return self._client.provider

    def headlines(self, at: datetime) -> tuple[RawAnswer, Headlines]:
        """What the feed holds now. Raises a `ProviderError`."""
        try:
            parts = require_public_url(self._url)
        except ForbiddenDestination as error:
            raise BadRequest(self.name, str(error)) from None
        answer = self._client.get(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
        return answer, parse_headlines(answer.body, at)


def origin(url: str) -> str:
    """Scheme and host of a feed's address, which is what a client connects to."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def refuse_unless_feed(
    provider: str, status: int, body: bytes, *, content_type: str, retry_after: float | None
) -> None:
    """Raise what went wrong by the HTTP status, or because this is not a feed that we read; else return."""
    if status != 200:
        refuse_errors(provider, max(status, 300), b"", content_type="", retry_after=retry_after)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _TYPES:
        raise Malformed(provider, f"content type {media_type} instead of a feed", status=status)
    if not body.strip():
        raise Malformed(provider, "the body is empty", status=status)
    _Judge(provider).judge(body)


class _Judge:
    """Walks through a document once, in bounded memory, and stops it at the first thing a feed has no use for."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._depth = 0
        self._items = 0
        self._text = 0

    def judge(self, body: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._doctype
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            raise Malformed(self._provider, f"not well-formed: {error}") from None
        except (LookupError, ValueError):
            raise Malformed(self._provider, "an encoding that we do not know") from None

    def _doctype(self, *_: object) -> None:
        raise Malformed(self._provider, "it declares a document type, which may define entities")

    def _start(self, name: str, attributes: Sized) -> None:
        # Whatever prefix it chose for a namespace.
        name = name.rpartition(":")[2].lower()
        if self._depth == 0 and name not in _ROOTS:
            raise Malformed(self._provider, f"the document is a {name[:30]}, not a feed")
        self._depth += 1
        self._text = 0
        if self._depth > _MAX_DEPTH:
            raise Malformed(self._provider, f"nested deeper than {_MAX_DEPTH}")
        if len(attributes) > _MAX_ATTRIBUTES:
            raise TooLarge(self._provider, f"an element of more than {_MAX_ATTRIBUTES} attributes")
        if name in ("item", "entry"):
            self._items += 1
            if self._items > MAX_ITEMS:
                raise TooLarge(self._provider, f"more than {MAX_ITEMS} items")

    def _end(self, _: str) -> None:
        self._depth -= 1
        self._text = 0

    def _data(self, text: str) -> None:
        self._text += len(text)
        if self._text > _MAX_TEXT:
            raise TooLarge(self._provider, f"a text of more than {_MAX_TEXT} characters")


def parse_headlines(body: bytes, at: datetime) -> Headlines:
    """The items of a feed that `refuse_unless_feed` let pass. Pure; what cannot be believed comes back as rejects."""
    # An empty second description would win over the first one, which has the words. A blank stays in its place: what
    # it stood between, in a section of text, would otherwise become markup that nobody has judged.
    body = _EMPTY_DESCRIPTION.sub(b" ", body)
    # As a file: of bytes or text feedparser would ask whether they name a file or an address.
    document: Any = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    language = str(document.feed.get("language") or "")
    read = Headlines()
    seen: set[str] = set()
    for entry in document.entries:
        headline, objection = _headline(entry, language, at)
        if objection is None and headline.guid in seen:
            objection = "duplicate", headline.title
        if objection is None:
            seen.add(headline.guid)
            read.rows.append(headline)
        else:
            reason, detail = objection
            read.rejects.append(Reject(headline.guid, reason, detail, _kept(entry)))
    return read


def _headline(entry: Any, language: str, at: datetime) -> tuple[Headline, tuple[Reason, str] | None]:
    """The item as far as it can be read, and the first objection to it."""
    link = str(entry.get("link") or "")
    url = canonical(link)
    headline = Headline(
        guid=_guid(str(entry.get("id") or link)),
        url=url or "",
        title=plain(str(entry.get("title") or ""), limit=TITLE_LIMIT),
        summary=plain(str(entry.get("summary") or ""), limit=SUMMARY_LIMIT),
        language=language.lower() if _LANGUAGE.match(language) else "",
        published_at=_published_at(entry) or _NEVER,
    )
    return headline, _objection(headline, link, at)


_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def _objection(headline: Headline, link: str, at: datetime) -> tuple[Reason, str] | None:
    if not headline.title:
        return "missing_field", "title"
    if not link:
        return "missing_field", "link"
    if not headline.url:
        return "unsafe_link", link
    if headline.published_at == _NEVER:
        return "missing_field", "published"
    if headline.published_at > at + CLOCK_TOLERANCE:
        return "future_timestamp", headline.published_at.isoformat()
    if headline.published_at.date() < GENESIS:
        return "ancient_timestamp", headline.published_at.isoformat()
    return None


def _guid(text: str) -> str:
    """A key: short, and the same for the same text."""
    clean = plain(text, limit=_GUID_LIMIT + 1)
    if len(text) <= _GUID_LIMIT and clean == text:
        return text
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _published_at(entry: Any) -> datetime | None:
    # Asked as the dictionary that it is: feedparser's own look-up puts one date in the place of the other.
    parsed: Sequence[int] | None = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")
    if parsed is None:
        return None
    try:
        # feedparser gives UTC; timegm knows no local time.
        return datetime.fromtimestamp(calendar.timegm(tuple(parsed)), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _kept(entry: Any) -> str:
    told = {name: str(dict.get(entry, name) or "")[:1_000] for name in ("id", "link", "title", "published", "updated")}
    return readable(msgspec.json.encode(told))
