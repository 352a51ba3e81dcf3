"""Lists, rankings and single assets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema

from config.kernel import clock
from config.kernel.conditional import weak_etag
from config.kernel.errors import ValidationFailed
from config.kernel.pages import decode_cursor, encode_cursor, link_header
from config.kernel.parameters import Boolean, Choice, Integer, Number, Parameters, Text, TextList
from config.kernel.rendering import MEDIA_TYPE
from config.kernel.schema import Problem
from markets.api.answers import Answer
from markets.api.schemas import CryptocurrencyDetail, CryptocurrencyPage
from markets.api.views import MarketView
from markets.errors import UnknownCategory
from markets.queries import market
from markets.queries.listing import SORTS, Listing, Page, Position

MAX_LIMIT = 250
GAINERS_MIN_VOLUME = 10_000.0

_PAGING = Parameters(
    limit=Integer(default=100, minimum=1, maximum=MAX_LIMIT, description="Rows per page."),
    cursor=Text(
        max_length=4_000, description="Where the page starts: `next` or `previous` of another page carries it."
    ),
)
_FILTERS = _PAGING.extended(
    sort_by=Choice(tuple(SORTS), description="Column to sort by; missing values come last. Default: market_cap."),
    order=Choice(("asc", "desc"), description="Default: desc, but asc for name, symbol and rank."),
    ordering=Choice(
        tuple(sign + name for name in SORTS for sign in ("", "-")), description="Another way to say sort_by and order."
    ),
    symbols=TextList(max_items=MAX_LIMIT, max_length=50, description="Only these symbols, whatever their case."),
    symbol_filter=Text(max_length=50, description="Only symbols that contain this text."),
    search=Text(max_length=100, description="Only assets whose name, symbol or slug contains this text."),
    category=Text(max_length=100, description="Only assets of this category."),
    min_market_cap=Number(minimum=0, description="USD."),
    max_market_cap=Number(minimum=0, description="USD."),
    min_volume=Number(minimum=0, description="USD, of 24 hours."),
    max_volume=Number(minimum=0, description="USD, of 24 hours."),
    min_risk=Number(minimum=0, maximum=100, description="Only assets with a risk score, of at least this."),
    max_risk=Number(minimum=0, maximum=100, description="Only assets with a risk score, of at most this."),
)


class ListCryptocurrencies(MarketView):
    """List cryptocurrencies with their latest quotes, the largest market first."""

    parameters = _FILTERS

    @extend_schema(responses=CryptocurrencyPage)
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        _require_order(values, "min_market_cap", "max_market_cap")
        _require_order(values, "min_volume", "max_volume")
        _require_order(values, "min_risk", "max_risk")
        sort_by, descending = _sort(values)
        listing = Listing(
            limit=values["limit"],
            sort_by=sort_by,
            descending=descending,
            position=_position(values["cursor"], sort_by, descending=descending),
            symbols=values["symbols"] or (),
            symbol_filter=values["symbol_filter"],
            search=values["search"],
            category=values["category"],
            min_market_cap=values["min_market_cap"],
            max_market_cap=values["max_market_cap"],
            min_volume=values["min_volume"],
            max_volume=values["max_volume"],
            min_risk=values["min_risk"],
            max_risk=values["max_risk"],
        )
        page = market.reader(version).page(listing, at=at)
        return _answer(page, reverse("cryptocurrency-list"), values, listing, at=at)


_TOP = _PAGING.extended(
    min_volume=Number(
        minimum=0,
        description="USD of 24 hours. Default: 10000 among gainers and losers, where thin markets would win; else 0.",
    ),
)

_RANKINGS: Mapping[str, tuple[str, bool]] = {
    "market_cap": ("market_cap", True),
    "volume": ("volume", True),
    "gainers": ("change_24h", True),
    "losers": ("change_24h", False),
    "risk": ("risk", True),
}


class ShowTop(MarketView):
    """The first of a ranking (`market_cap`, `volume`, `gainers`, `losers`, `risk`), or of a category, as `layer-1`."""

    parameters = _TOP

    @extend_schema(responses=CryptocurrencyPage)
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        category = path["category"]
        reader = market.reader(version)
        ranking = _RANKINGS.get(category)
        if ranking is None and category not in (known := reader.categories()):
            raise UnknownCategory(categories=[*_RANKINGS, *sorted(known)])
        sort_by, descending = ranking or ("market_cap", True)
        min_volume = values["min_volume"]
        if min_volume is None and sort_by == "change_24h":
            min_volume = GAINERS_MIN_VOLUME
        listing = Listing(
            limit=values["limit"],
            sort_by=sort_by,
            descending=descending,
            position=_position(values["cursor"], sort_by, descending=descending),
            category=None if ranking else category,
            min_volume=min_volume,
        )
        url = reverse("cryptocurrency-top", kwargs={"category": category})
        return _answer(reader.page(listing, at=at), url, values, listing, at=at)


class ShowRiskiest(ShowTop):
    """The assets with the highest risk scores."""

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        return super().answer(values, version=version, at=at, category="risk")


_DETAIL = Parameters(
    strict=Boolean(default=False, description="Answer 409 when several assets carry the symbol."),
    by=Choice(("slug", "symbol"), description="Look for a slug or a symbol only."),
)


class ShowCryptocurrency(MarketView):
    """Everything about one cryptocurrency, named by symbol or slug, whatever their case.

    Symbols are not unique: of several the largest market is shown, and `match` names the others.
    """

    parameters = _DETAIL

    @extend_schema(responses={200: CryptocurrencyDetail, 409: Problem})
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        # Made anew each time, from memory: it says how many seconds old the quote is.
        at, version = clock.now(), market.version()
        found = self._match(self.values, version, path["symbol"])
        body = found.row.detail(at) | {"match": found.described()}
        response = HttpResponse(orjson.dumps(body, option=orjson.OPT_UTC_Z), content_type=MEDIA_TYPE)
        response.headers["ETag"] = _detail_etag(found, version, at)
        return response

    def etag(self, request: HttpRequest, **path: Any) -> str | None:
        if "HTTP_IF_NONE_MATCH" not in request.META:
            return None
        at, version = clock.now(), market.version()
        return _detail_etag(self._match(self.parameters.of(request), version, path["symbol"]), version, at)

    def _match(self, values: dict[str, Any], version: int, symbol: str) -> market.Match:
        return market.match(symbol, market.reader(version), strict=values["strict"], by=values["by"])


def _detail_etag(found: market.Match, version: int, at: datetime) -> str:
    row = found.row
    return weak_etag(version, row.slug, found.by, row.fresh_until <= at, row.risk_fresh_until <= at)


def _require_order(values: Mapping[str, Any], lower: str, upper: str) -> None:
    if values[lower] is not None and values[upper] is not None and values[lower] > values[upper]:
        raise ValidationFailed(fields={lower: [f"Must not be above {upper}."]})


def _sort(values: Mapping[str, Any]) -> tuple[str, bool]:
    ordering = values["ordering"]
    if ordering is not None:
        if values["sort_by"] is not None or values["order"] is not None:
            raise ValidationFailed(fields={"ordering": ["Give either ordering or sort_by and order."]})
        return ordering.removeprefix("-"), ordering.startswith("-")
    sort_by = values["sort_by"] or "market_cap"
    if values["order"] is None:
        return sort_by, SORTS[sort_by].descending_by_default
    return sort_by, values["order"] == "desc"


def _position(cursor: str | None, sort_by: str, *, descending: bool) -> Position | None:
    """The place a cursor names; it is only good for the order in which it was issued."""
    if cursor is None:
        return None
    mark = decode_cursor(cursor)
    value, asset_id = mark.get("v"), mark.get("i")
    value_is_right = value is None or (
        isinstance(value, str)
        if SORTS[sort_by].is_text
        else isinstance(value, (int, float)) and not isinstance(value, bool)
    )
    if (
        mark.keys() != {"s", "v", "i", "b"}
        or mark["s"] != [sort_by, descending]
        or not value_is_right
        or not isinstance(asset_id, int)
        or not 0 < asset_id < 2**31
        or not isinstance(mark["b"], bool)
    ):
        raise ValidationFailed(fields={"cursor": ["This cursor belongs to another list."]})
    return Position(value, asset_id, backwards=mark["b"])


def _answer(page: Page, url: str, values: Mapping[str, Any], listing: Listing, *, at: datetime) -> Answer:
    links = {
        name: _link(url, values, listing, position)
        for name, position in (("next", page.next), ("previous", page.previous))
        if position is not None
    }
    head = orjson.dumps({"count": page.count, "next": links.get("next"), "previous": links.get("previous")})
    body = head[:-1] + b',"results":[' + b",".join(page.rows) + b"]}"
    return Answer.of(body, at=at, fresh_until=page.fresh_until, headers=link_header(**links))


def _link(url: str, values: Mapping[str, Any], listing: Listing, position: Position) -> str:
    # Relative to the host: the body is shared by everybody who asks, under whatever name.
    mark = {
        "s": [listing.sort_by, listing.descending],
        "v": position.value,
        "i": position.asset_id,
        "b": position.backwards,
    }
    query = {
        name: ",".join(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None and name != "cursor"
    }
    return f"{url}?{urlencode(query | {'cursor': encode_cursor(mark)})}"
