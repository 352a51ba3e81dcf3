"""The base of the market's hot routes: public by setting, answered from the answer cache."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.scopes import Scope
from config.kernel import clock
from config.kernel.views import ReadView
from markets.api.answers import ANSWERS, Answer
from markets.queries import market


class MarketView(ReadView):
    """A market read. `answer` makes what `AnswerCache` keeps for one data version and one set of parameters."""

    key_scope = Scope.MARKET_READ
    shared_seconds: ClassVar[int] = 60

    def is_public(self) -> bool:
        return bool(settings.PUBLIC_MARKET_DATA)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        raise NotImplementedError

    def etag(self, request: HttpRequest, **path: Any) -> str | None:
        # Only a client that holds a version asks for this before it is charged.
        if "HTTP_IF_NONE_MATCH" not in request.META:
            return None
        return self._find(self.parameters.of(request), request, path).etag

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return self._find(self.values, request, path).response()

    def _find(self, values: dict[str, Any], request: HttpRequest, path: dict[str, Any]) -> Answer:
        at, version = clock.now(), market.version()
        key = (version, type(self).__name__, *path.values(), *values.values())
        return ANSWERS.find(key, at=at, make=lambda: self.answer(values, version=version, at=at, **path))
