"""What every provider of market data can be asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from markets.providers.bars import Bars
from markets.providers.listings import Listings


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer exactly as it came (decompressed), to be kept beside what was read from it.

    `endpoint` is path and query without any key.
    """

    provider: str
    endpoint: str
    status: int
    content_type: str
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Details:
    """What changes rarely about a coin."""

    external_id: str
    symbol: str
    name: str
    description: str
    website: str
    image: str
    categories: tuple[str, ...]


class Provider(Protocol):
    """A source of quotes and daily bars.

    Asking raises a `ProviderError`; the two `parse_` methods are pure and never raise on a bad answer: what
    cannot be read comes back as rejects. `at` is the moment of asking, against which timestamps are judged.
    """

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def is_simulated(self) -> bool: ...

    def listings(self, limit: int, at: datetime) -> Iterator[tuple[RawAnswer, Listings]]:
        """The `limit` largest coins by market cap, page by page."""
        ...

    def daily_history(self, external_id: str, start: date, end: date, at: datetime) -> tuple[RawAnswer | None, Bars]:
        """Complete daily bars with start <= day < end, as far as the provider has them."""
        ...

    def parse_listings(self, body: bytes, at: datetime) -> Listings:
        """Quotes from a page, or from the text of a single row."""
        ...

    def parse_history(self, body: bytes, external_id: str, at: datetime) -> Bars:
        """Daily bars from an answer about one coin."""
        ...


@runtime_checkable
class Describer(Protocol):
    """A provider that also knows what changes rarely."""

    @property
    def name(self) -> str: ...

    def details(self, external_id: str) -> tuple[RawAnswer, Details]:
        """Description, website, image and categories of one coin."""
        ...
