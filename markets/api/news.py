"""News, attributed: a headline, a short summary, and the way to the publisher's own page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema

from config.kernel import pages
from config.kernel.errors import ValidationFailed
from config.kernel.parameters import Boolean, Choice, Instant, Integer, Number, Parameters, Text
from config.kernel.schema import Problem
from markets.api.answers import Answer
from markets.api.schemas import NewsPage
from markets.api.views import MarketView
from markets.models import NewsFeed, NewsItem
from markets.queries import market, news
from markets.queries.news import Listing, Page, Position
from markets.sentiment.events import Kind

MAX_PAGE_SIZE = 200

_OF_ASSET = Parameters(
    page_size=Integer(default=50, minimum=1, maximum=MAX_PAGE_SIZE, description="Items per page."),
    cursor=Text(
        max_length=1_000, description="Where the page starts: `next` or `previous` of another page carries it."
    ),
    since=Instant(description="Published at or after."),
    until=Instant(description="Published before."),
    event=Choice(get_args(Kind), description="Only items that assert such an event."),
    feed=Text(max_length=50, description="Only items of this feed, by its slug."),
    min_tone=Number(minimum=-1, maximum=1, description="Only items that are scored and no worse."),
    max_tone=Number(minimum=-1, maximum=1, description="Only items that are scored and no better."),
)
_ALL = _OF_ASSET.extended(asset=Text(max_length=120, description="Only items about this asset, by symbol or slug."))


class ListNews(MarketView):
    """News of every feed, the newest first, with the assets that they are about, their tone and their events.

    Tone and events are an automatic reading of headline and summary, no judgement of the article and no advice.
    """

    parameters = _ALL

    @extend_schema(responses={200: NewsPage, 404: Problem})
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        asset_id = None
        if values["asset"] is not None:
            asset_id = market.match(values["asset"], market.reader(version)).row.id
        return _answer(values, reverse("news-list"), asset_id, at=at)


class ListNewsOfAsset(MarketView):
    """News about one cryptocurrency, named by symbol or slug, the newest first."""

    parameters = _OF_ASSET.extended(
        strict=Boolean(default=False, description="Answer 409 when several assets carry the symbol."),
        by=Choice(("slug", "symbol"), description="Look for a slug or a symbol only."),
    )

    @extend_schema(responses={200: NewsPage, 404: Problem, 409: Problem})
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        found = market.match(path["symbol"], market.reader(version), strict=values["strict"], by=values["by"])
        url = reverse("cryptocurrency-news", kwargs={"symbol": path["symbol"]})
        return _answer(values, url, found.row.id, at=at)


def _answer(values: Mapping[str, Any], url: str, asset_id: int | None, *, at: datetime) -> Answer:
    for lower, upper in (("since", "until"), ("min_tone", "max_tone")):
        if values[lower] is not None and values[upper] is not None and values[lower] > values[upper]:
            raise ValidationFailed(fields={lower: [f"Must not be above {upper}."]})
    if values["feed"] is not None and not NewsFeed.objects.filter(slug=values["feed"]).exists():
        raise ValidationFailed(fields={"feed": ["There is no such feed."]})
    listing = Listing(
        limit=values["page_size"],
        position=_position(values["cursor"]),
        asset_id=asset_id,
        since=values["since"],
        until=values["until"],
        event=values["event"],
        feed=values["feed"],
        min_tone=values["min_tone"],
        max_tone=values["max_tone"],
    )
    found: Page = news.page(listing)
    links = {
        name: _link(url, values, position)
        for name, position in (("next", found.next), ("previous", found.previous))
        if position is not None
    }
    body = pages.page([_described(item) for item in found.items], count=None, **links)
    return Answer.of(orjson.dumps(body, option=orjson.OPT_UTC_Z), at=at, headers=pages.link_header(**links))


def _described(item: NewsItem) -> dict[str, object]:
    # The score is annotated, so the type of the model does not know it.
    score: Any = item
    return {
        "id": item.pk,
        "title": item.title,
        "summary": item.summary,
        "link": item.url,
        "source": {"feed": item.feed.slug, "name": item.feed.name},
        "language": item.language or None,
        "published_at": item.published_at,
        "fetched_at": item.fetched_at,
        "tone": score.tone,
        "negativity": score.negativity,
        "confidence": score.confidence,
        "events": score.events,
        "possible_events": score.possible_events,
        "model_version": score.model_version,
        "assets": [
            {"slug": mention.asset.slug, "symbol": mention.asset.symbol, "matched_by": mention.matched_by}
            for mention in item.mentions.all()
        ],
    }


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    mark = pages.decode_cursor(cursor)
    try:
        moment = datetime.fromisoformat(mark["at"]).astimezone(UTC)
        item_id, backwards = mark["id"], mark["back"]
        if type(item_id) is int and 0 < item_id < 2**63 and type(backwards) is bool:
            return Position(moment, item_id, backwards)
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise ValidationFailed(fields={"cursor": ["This cursor belongs to another list."]})


def _link(url: str, values: Mapping[str, Any], position: Position) -> str:
    mark = {"at": position.published_at.isoformat(), "id": position.item_id, "back": position.backwards}
    query = {
        name: _written(value)
        for name, value in values.items()
        if value is not None and value is not False and name != "cursor"
    }
    return f"{url}?{urlencode(query | {'cursor': pages.encode_cursor(mark)})}"


def _written(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return "true" if value is True else value
