"""What data there is, and from when."""

from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from config.kernel.parameters import Integer, Parameters
from markets.api.answers import Answer
from markets.api.schemas import CatalogueAnswer
from markets.api.views import MarketView
from markets.queries import catalogue

_CATALOGUE = Parameters(
    limit=Integer(default=100, minimum=1, maximum=250, description="Assets per page."),
    after=Integer(default=0, minimum=0, maximum=2**31 - 1, description="`next_after` of the page before."),
)


class ShowCatalogue(MarketView):
    """Which intervals are kept and how long, from which sources, and each asset's first and last daily bar."""

    parameters = _CATALOGUE

    @extend_schema(responses=CatalogueAnswer)
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        summary = catalogue.summary()
        assets = catalogue.assets(after=values["after"], limit=values["limit"] + 1)
        has_more = len(assets) > values["limit"]
        assets = assets[: values["limit"]]
        body = {
            "simulated": summary.is_simulated,
            "intervals": [
                {
                    "interval": "1d",
                    "from": summary.bars_from,
                    "to": summary.bars_to,
                    "retention_days": settings.DAILY_HISTORY_RETENTION_DAYS or None,
                },
                *(
                    {
                        "interval": interval,
                        "from": summary.snapshots_from,
                        "to": summary.snapshots_to,
                        "retention_days": settings.PRICE_HISTORY_RETENTION_DAYS or None,
                    }
                    for interval in ("1h", "5m")
                ),
            ],
            "sources": summary.sources,
            "count": summary.assets,
            "next_after": assets[-1].id if has_more else None,
            "results": [
                {
                    "symbol": asset.symbol,
                    "slug": asset.slug,
                    "name": asset.name,
                    "daily_from": asset.bars_from,
                    "daily_to": asset.bars_to,
                }
                for asset in assets
            ],
        }
        return Answer.of(orjson.dumps(body, option=orjson.OPT_UTC_Z), at=at)
