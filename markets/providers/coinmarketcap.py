"""CoinMarketCap: the professional API, and the daily history in the shape of its web data API."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from operator import attrgetter

import msgspec
import numpy as np

from markets.providers import candles, normalise
from markets.providers.bars import Bars, day_number
from markets.providers.client import Client
from markets.providers.decoding import decode_rows
from markets.providers.indicators import (
    BTC_DOMINANCE,
    ETH_DOMINANCE,
    TOTAL_MARKET_CAP,
    TOTAL_VOLUME,
    Claim,
    Observations,
    judge,
    moment,
)
from markets.providers.listings import Listings
from markets.providers.provider import RawAnswer

PAGE_SIZE = 5000
TAG_LIMIT = 50  # of a row; the most tagged coins carry about forty
LOGO = "https://s2.coinmarketcap.com/static/img/coins/64x64/{}.png"


class _Quote(msgspec.Struct, gc=False):
    price: float | None = None
    volume_24h: float | None = None
    percent_change_1h: float | None = None
    percent_change_24h: float | None = None
    percent_change_7d: float | None = None
    market_cap: float | None = None
    last_updated: str | None = None


class _Quotes(msgspec.Struct, gc=False):
    USD: _Quote | None = None


class _Tag(msgspec.Struct, gc=False):
    slug: str


class _Coin(msgspec.Struct):
    """A row of listings/latest, quotes/latest or map, as far as we read it."""

    id: int
    name: str
    symbol: str
    slug: str = ""
    cmc_rank: float | None = None
    rank: float | None = None
    circulating_supply: float | None = None
    total_supply: float | None = None
    max_supply: float | None = None
    last_updated: str | None = None
    tags: list[str | _Tag] | None = None
    quote: _Quotes | None = None


class _Page(msgspec.Struct):
    data: list[_Coin]


class _Envelope(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"")


class _Total(msgspec.Struct):
    total_market_cap: float | None = None
    total_volume_24h: float | None = None


class _Totals(msgspec.Struct):
    USD: _Total | None = None
    # The dollar by its number, as the web's own answers have it.
    dollar: _Total | None = msgspec.field(default=None, name="2781")


class _Global(msgspec.Struct):
    """Of global-metrics, as far as we read it."""

    btc_dominance: float | None = None
    eth_dominance: float | None = None
    quote: _Totals = msgspec.field(default_factory=_Totals)
    last_updated: str | None = None


class _GlobalAnswer(msgspec.Struct):
    data: _Global


class _GlobalRaw(msgspec.Struct):
    data: msgspec.Raw


_GLOBAL = msgspec.json.Decoder(_GlobalAnswer, strict=False)
_GLOBAL_RAW = msgspec.json.Decoder(_GlobalRaw)
_GLOBAL_ROW = msgspec.json.Decoder(_Global, strict=False)


class _Identified(msgspec.Struct):
    id: int


# Not strict: large numbers come as texts such as "8.5E11".
_PAGE = msgspec.json.Decoder(_Page, strict=False)
_ROW = msgspec.json.Decoder(_Coin, strict=False)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_BY_KEY = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OF_COIN = attrgetter("name", "symbol", "slug", "circulating_supply", "total_supply", "max_supply", "last_updated")
_OF_QUOTE = attrgetter(*_Quote.__struct_fields__)
_NO_QUOTE = _Quote()


def _whole(body: bytes) -> list[_Coin]:
    return _PAGE.decode(body).data


def _split(body: bytes) -> list[msgspec.Raw]:
    """The rows of an answer: a list, a mapping from id to row or from symbol to rows; or a lone row."""
    content = body.strip()
    if content[:1] == b"{":
        data = bytes(msgspec.json.decode(content, type=_Envelope).data)
        if not data:
            msgspec.json.decode(content, type=_Identified, strict=False)
            return [msgspec.Raw(content)]
        content = data
    if content[:1] != b"{":
        return _RAWS.decode(content)
    rows: list[msgspec.Raw] = []
    for value in _BY_KEY.decode(content).values():
        rows += _RAWS.decode(value) if bytes(value)[:1] == b"[" else [value]
    return rows


class CoinMarketCap:
    """The secondary provider; needs a key. Pages of 5,000 coins, prices in US dollars."""

    name = "coinmarketcap"
    label = "CoinMarketCap"
    is_simulated = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def listings(self, limit: int, at: datetime) -> Iterator[tuple[RawAnswer, Listings]]:
        """The `limit` largest coins by market cap, page by page; ends early where the provider knows no more."""
        for start in range(1, limit + 1, PAGE_SIZE):
            wanted = min(PAGE_SIZE, limit - start + 1)
            answer = self._client.get(
                "/v1/cryptocurrency/listings/latest",
                {"start": str(start), "limit": str(wanted), "convert": "USD", "sort": "market_cap"},
            )
            page = self.parse_listings(answer.body, at)
            yield answer, page
            unreadable = bool(page.rejects) and not len(page)
            if page.rows_in < wanted and not unreadable:
                return

    def quotes(self, external_ids: Sequence[str], at: datetime) -> tuple[RawAnswer, Listings]:
        """The latest quotes of some coins by id."""
        answer = self._client.get(
            "/v2/cryptocurrency/quotes/latest", {"id": ",".join(external_ids), "convert": "USD", "skip_invalid": "true"}
        )
        return answer, self.parse_listings(answer.body, at)

    def daily_history(self, external_id: str, start: date, end: date, at: datetime) -> tuple[RawAnswer | None, Bars]:
        """Complete bars with start <= day < end. `Unauthorized` on plans without history."""
        if start >= end:
            return None, Bars.empty()
        # The provider's start is exclusive.
        span = {
            "time_start": str(int(datetime.combine(start, time.min, UTC).timestamp()) - 1),
            "time_end": str(int(datetime.combine(end, time.min, UTC).timestamp())),
        }
        answer = self._client.get(
            "/v2/cryptocurrency/ohlcv/historical",
            {"id": external_id, "convert": "USD", "time_period": "daily", "interval": "daily", **span},
        )
        bars = self.parse_history(answer.body, external_id, at)
        return answer, bars.take((bars.day >= day_number(start)) & (bars.day < day_number(end)))

    def indicators(self, at: datetime) -> tuple[RawAnswer, Observations]:
        """Total market cap and volume, and the shares of the two largest coins."""
        answer = self._client.get("/v1/global-metrics/quotes/latest", {"convert": "USD"})
        return answer, self.parse_indicators(answer.body, at)

    def parse_indicators(self, body: bytes, at: datetime) -> Observations:
        """Of global-metrics/quotes/latest."""
        answer = decode_rows(
            body,
            whole=lambda text: [_GLOBAL.decode(text).data],
            split=lambda text: [_GLOBAL_RAW.decode(text).data],
            one=_GLOBAL_ROW.decode,
        )
        judged = judge((claim for row in answer.rows for claim in _claims(row, body)), at=at)
        return Observations(judged.rows, [*answer.rejects, *judged.rejects])

    def parse_listings(self, body: bytes, at: datetime) -> Listings:
        """Rows of listings/latest, quotes/latest (by id or by symbol) or map, which has no numbers."""
        page = decode_rows(body, whole=_whole, split=_split, one=_ROW.decode)
        if not page.rows:
            return Listings.empty(page.rejects)
        coins = page.rows
        quotes = [coin.quote.USD or _NO_QUOTE if coin.quote else _NO_QUOTE for coin in coins]
        name, symbol, slug, circulating, total, maximum, updated = zip(*map(_OF_COIN, coins), strict=True)
        quote: Mapping[str, tuple[float | None, ...]] = dict(
            zip(_Quote.__struct_fields__, zip(*map(_OF_QUOTE, quotes), strict=True), strict=True)
        )
        ids = [str(coin.id) for coin in coins]
        missing = np.full(len(coins), np.nan)
        nowhere = normalise.instants([None] * len(coins))
        draft = Listings(
            external_id=ids,
            symbol=list(symbol),
            name=list(name),
            slug=list(slug),
            image=[LOGO.format(external_id) for external_id in ids],
            price=normalise.numbers(quote["price"]),
            market_cap=normalise.numbers(quote["market_cap"]),
            volume=normalise.numbers(quote["volume_24h"]),
            rank=normalise.numbers([coin.cmc_rank if coin.cmc_rank is not None else coin.rank for coin in coins]),
            change_1h=normalise.numbers(quote["percent_change_1h"]),
            change_24h=normalise.numbers(quote["percent_change_24h"]),
            change_7d=normalise.numbers(quote["percent_change_7d"]),
            high_24h=missing,
            low_24h=missing,
            ath=missing,
            atl=missing,
            circulating_supply=normalise.numbers(circulating),
            total_supply=normalise.numbers(total),
            max_supply=normalise.numbers(maximum),
            as_of=normalise.instants([price.last_updated or coin for price, coin in zip(quotes, updated, strict=True)]),
            ath_at=nowhere,
            atl_at=nowhere,
            categories=[_categories(coin.tags) for coin in coins],
            rejects=page.rejects,
        )
        return normalise.listings(draft, at=at, raw=page.texts)

    def parse_history(self, body: bytes, external_id: str, at: datetime) -> Bars:
        """Of /ohlcv/historical or of the web data API, daily or finer."""
        return candles.daily_bars(body, external_id, at=at, source=self.name)


def _categories(tags: list[str | _Tag] | None) -> tuple[str, ...]:
    return tuple(tag if isinstance(tag, str) else tag.slug for tag in tags[:TAG_LIMIT]) if tags else ()


def _claims(market: _Global, body: bytes) -> Iterator[Claim]:
    total = market.quote.USD or market.quote.dollar or _Total()
    at = moment(market.last_updated)
    for indicator, value in (
        (TOTAL_MARKET_CAP, total.total_market_cap),
        (TOTAL_VOLUME, total.total_volume_24h),
        (BTC_DOMINANCE, market.btc_dominance),
        (ETH_DOMINANCE, market.eth_dominance),
    ):
        yield Claim(indicator, at, value, body)
