"""CoinGecko v3: keyless, with a demo key, or with a pro key."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from urllib.parse import quote

import msgspec
import numpy as np

from markets.providers import charts, normalise
from markets.providers.bars import Bars, day_number
from markets.providers.client import Client
from markets.providers.decoding import UNREADABLE, decode_rows
from markets.providers.errors import BadRequest, Malformed
from markets.providers.indicators import (
    BTC_DOMINANCE,
    ETH_DOMINANCE,
    TOTAL_MARKET_CAP,
    TOTAL_VOLUME,
    Claim,
    Observations,
    instant,
    judge,
)
from markets.providers.listings import FloatArray, Listings
from markets.providers.provider import Details, RawAnswer

PAGE_SIZE = 250
FREE_HISTORY = timedelta(days=365)  # further back is for paid plans (error 10012)


class _Coin(msgspec.Struct, gc=False):
    """A row of /coins/markets or /coins/list, as far as we read it."""

    id: str
    symbol: str
    name: str
    image: str | None = None
    current_price: float | None = None
    market_cap: float | None = None
    market_cap_rank: float | None = None
    total_volume: float | None = None
    high_24h: float | None = None
    low_24h: float | None = None
    price_change_percentage_24h: float | None = None
    price_change_percentage_1h_in_currency: float | None = None
    price_change_percentage_24h_in_currency: float | None = None
    price_change_percentage_7d_in_currency: float | None = None
    circulating_supply: float | None = None
    total_supply: float | None = None
    max_supply: float | None = None
    ath: float | None = None
    ath_date: str | None = None
    atl: float | None = None
    atl_date: str | None = None
    last_updated: str | None = None


_FIELDS = _Coin.__struct_fields__
_ROWS = attrgetter(*_FIELDS)
_PAGE = msgspec.json.Decoder(list[_Coin])
_ROW = msgspec.json.Decoder(_Coin)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


class _Description(msgspec.Struct):
    en: str | None = None


class _Links(msgspec.Struct):
    homepage: list[str | None] = []


class _Image(msgspec.Struct):
    large: str | None = None
    small: str | None = None


class _Detail(msgspec.Struct):
    id: str
    symbol: str
    name: str
    categories: list[str | None] = []
    description: _Description = msgspec.field(default_factory=_Description)
    links: _Links = msgspec.field(default_factory=_Links)
    image: _Image = msgspec.field(default_factory=_Image)


class _Amount(msgspec.Struct):
    usd: float | None = None


class _Shares(msgspec.Struct):
    btc: float | None = None
    eth: float | None = None


class _Global(msgspec.Struct):
    """Of /global, as far as we read it."""

    total_market_cap: _Amount = msgspec.field(default_factory=_Amount)
    total_volume: _Amount = msgspec.field(default_factory=_Amount)
    market_cap_percentage: _Shares = msgspec.field(default_factory=_Shares)
    updated_at: float | None = None


class _GlobalAnswer(msgspec.Struct):
    data: _Global


class _GlobalRaw(msgspec.Struct):
    data: msgspec.Raw


_GLOBAL = msgspec.json.Decoder(_GlobalAnswer)
_GLOBAL_RAW = msgspec.json.Decoder(_GlobalRaw)
_GLOBAL_ROW = msgspec.json.Decoder(_Global)


class _Identified(msgspec.Struct):
    id: str


def _split(body: bytes) -> list[msgspec.Raw]:
    """The rows of a page; a lone coin is a page of one."""
    if body.lstrip()[:1] == b"{":
        msgspec.json.decode(body, type=_Identified)
        return [msgspec.Raw(body.strip())]
    return _RAWS.decode(body)


class CoinGecko:
    """The primary provider. Pages of 250 coins, prices in US dollars."""

    name = "coingecko"
    label = "CoinGecko"
    is_simulated = False

    def __init__(self, client: Client, *, free_plan: bool = True) -> None:
        """`free_plan` is true without a key or with a demo key: then history reaches 365 days back."""
        self._client = client
        self._free_plan = free_plan

    def listings(self, limit: int, at: datetime) -> Iterator[tuple[RawAnswer, Listings]]:
        """The `limit` largest coins by market cap, page by page; ends early where the provider knows no more."""
        # The same page size throughout, or the pages would overlap.
        size = min(PAGE_SIZE, limit)
        for number in range(1, -(-limit // PAGE_SIZE) + 1):
            wanted = min(size, limit - (number - 1) * size)
            answer = self._client.get(
                "/coins/markets",
                {
                    "vs_currency": "usd",
                    "order": "market_cap_desc",
                    "per_page": str(size),
                    "page": str(number),
                    "price_change_percentage": "1h,24h,7d",
                    "sparkline": "false",
                },
            )
            page = self.parse_listings(answer.body, at)
            yield answer, page.take(np.arange(wanted)) if len(page) > wanted else page
            unreadable = bool(page.rejects) and not len(page)
            if page.rows_in < size and not unreadable:
                return

    def details(self, external_id: str) -> tuple[RawAnswer, Details]:
        """Description, website, image and categories of one coin."""
        answer = self._client.get(
            f"/coins/{self._segment(external_id)}",
            {
                "localization": "false",
                "tickers": "false",
                "market_data": "false",
                "community_data": "false",
                "developer_data": "false",
            },
        )
        return answer, self.parse_details(answer.body)

    def daily_history(self, external_id: str, start: date, end: date, at: datetime) -> tuple[RawAnswer | None, Bars]:
        """Complete bars with start <= day < end; on a free plan those of the last 365 days among them."""
        if self._free_plan:
            start = max(start, (at - FREE_HISTORY).date() + timedelta(days=1))
        if start >= end:
            return None, Bars.empty()
        # The close of the last day is the point of the following midnight.
        span = {
            "from": str(int(datetime.combine(start, time.min, UTC).timestamp())),
            "to": str(int(min(datetime.combine(end, time.min, UTC) + timedelta(hours=1), at).timestamp())),
        }
        path = f"/coins/{self._segment(external_id)}/market_chart/range"
        answer = self._client.get(path, {"vs_currency": "usd", **span})
        bars = self.parse_history(answer.body, external_id, at)
        return answer, bars.take((bars.day >= day_number(start)) & (bars.day < day_number(end)))

    def indicators(self, at: datetime) -> tuple[RawAnswer, Observations]:
        """Total market cap and volume, and the shares of the two largest coins."""
        answer = self._client.get("/global")
        return answer, self.parse_indicators(answer.body, at)

    def parse_indicators(self, body: bytes, at: datetime) -> Observations:
        """Of /global."""
        answer = decode_rows(
            body,
            whole=lambda text: [_GLOBAL.decode(text).data],
            split=lambda text: [_GLOBAL_RAW.decode(text).data],
            one=_GLOBAL_ROW.decode,
        )
        judged = judge((claim for row in answer.rows for claim in _claims(row, body)), at=at)
        return Observations(judged.rows, [*answer.rejects, *judged.rejects])

    def _segment(self, external_id: str) -> str:
        if external_id in ("", ".", ".."):
            raise BadRequest(self.name, "not an id of a coin")
        return quote(external_id, safe="")

    def parse_listings(self, body: bytes, at: datetime) -> Listings:
        """Rows of /coins/markets; of /coins/list too, which have no numbers. Symbols in upper case."""
        page = decode_rows(body, whole=_PAGE.decode, split=_split, one=_ROW.decode)
        if not page.rows:
            return Listings.empty(page.rejects)
        column = dict(zip(_FIELDS, zip(*map(_ROWS, page.rows), strict=True), strict=True))

        def number(name: str) -> FloatArray:
            return normalise.numbers(column[name])

        day_change = number("price_change_percentage_24h_in_currency")
        draft = Listings(
            external_id=list(column["id"]),
            symbol=[symbol.upper() for symbol in column["symbol"]],
            name=list(column["name"]),
            slug=list(column["id"]),
            image=[url or "" for url in column["image"]],
            price=number("current_price"),
            market_cap=number("market_cap"),
            volume=number("total_volume"),
            rank=number("market_cap_rank"),
            change_1h=number("price_change_percentage_1h_in_currency"),
            change_24h=np.where(np.isnan(day_change), number("price_change_percentage_24h"), day_change),
            change_7d=number("price_change_percentage_7d_in_currency"),
            high_24h=number("high_24h"),
            low_24h=number("low_24h"),
            ath=number("ath"),
            atl=number("atl"),
            circulating_supply=number("circulating_supply"),
            total_supply=number("total_supply"),
            max_supply=number("max_supply"),
            as_of=normalise.instants(column["last_updated"]),
            ath_at=normalise.instants(column["ath_date"]),
            atl_at=normalise.instants(column["atl_date"]),
            categories=[()] * len(page.rows),
            rejects=page.rejects,
        )
        return normalise.listings(draft, at=at, raw=page.texts)

    def parse_details(self, body: bytes) -> Details:
        """Of /coins/{id}. `Malformed` if the answer is not about a coin."""
        try:
            detail = msgspec.json.decode(body, type=_Detail)
        except UNREADABLE:
            raise Malformed(self.name, "no details of a coin in the answer") from None
        return Details(
            external_id=detail.id,
            symbol=detail.symbol,
            name=detail.name,
            description=detail.description.en or "",
            website=next((url for url in detail.links.homepage if url), ""),
            image=detail.image.large or detail.image.small or "",
            categories=tuple(tag for tag in detail.categories if tag),
        )

    def parse_history(self, body: bytes, external_id: str, at: datetime) -> Bars:
        """Of /market_chart and /market_chart/range, whatever the spacing of the points.

        The close of a day is the last point up to and including the following midnight: a daily point dated
        D 00:00 closes D-1. The last point is "now", so the day it lies in is left out.
        """
        return charts.daily_bars(body, external_id, at=at, source=self.name)


def _claims(market: _Global, body: bytes) -> Iterator[Claim]:
    moment = instant(market.updated_at)
    for indicator, value in (
        (TOTAL_MARKET_CAP, market.total_market_cap.usd),
        (TOTAL_VOLUME, market.total_volume.usd),
        (BTC_DOMINANCE, market.market_cap_percentage.btc),
        (ETH_DOMINANCE, market.market_cap_percentage.eth),
    ):
        yield Claim(indicator, moment, value, body)
