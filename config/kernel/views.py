"""The base of every view of the API.

A view says what it needs as class attributes and is closed to everybody until it does:

    class Sync(ApiView):
        minimum_rank = Role.OPERATOR.rank          # or `public = True`
        limit_scope = limits.SYNC                  # None: free of charge
        parameters = Parameters(limit=Integer(default=200, minimum=1, maximum=250))

        def post(self, request: Request) -> Response:
            ... self.values["limit"] ...

Query parameters that `parameters` does not declare are refused; `self.values` holds the declared ones.
"""

from http import HTTPStatus
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.kernel import errors, limits, metrics
from config.kernel.bodies import JsonParser
from config.kernel.conditional import cache_publicly, not_modified
from config.kernel.envelope import answer_error
from config.kernel.limits import Scope
from config.kernel.parameters import Parameters
from config.kernel.rendering import OrjsonRenderer
from config.kernel.schema import OperationSchema

_SAFE = frozenset(("GET", "HEAD"))
_CACHEABLE = frozenset((HTTPStatus.OK, HTTPStatus.NOT_MODIFIED))
_ANONYMOUS = AnonymousUser()

ANY_KEY = "*"


class JsonOnly(BaseContentNegotiation):
    """Everybody gets JSON, whatever `Accept` says; bodies must be of a parser's own type."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """A view with the whole of DRF: parsers, serializers, any method."""

    # Whether anybody may call. Otherwise: a signed-in, active user whose `role_rank` is at least `minimum_rank`.
    public: ClassVar[bool] = False
    minimum_rank: ClassVar[int] = 0
    # What an API key must be good for; None keeps every key out, `ANY_KEY` none. A caller without a key needs no scope.
    key_scope: ClassVar[str | None] = None
    # What a call counts against; None is free of charge.
    limit_scope: ClassVar[Scope | None] = limits.DEFAULT
    # The query parameters of this route.
    parameters: ClassVar[Parameters] = Parameters()

    renderer_classes = [OrjsonRenderer]
    parser_classes = [JsonParser]
    permission_classes = []
    throttle_classes = []
    content_negotiation_class = JsonOnly
    metadata_class = None
    schema = OperationSchema()

    values: dict[str, Any]

    def is_public(self) -> bool:
        """Whether anybody may call; override where a setting decides."""
        return self.public

    def parameters_of(self, method: str) -> Parameters:
        """The query parameters of one method; override where methods differ. HEAD asks what GET does."""
        return self.parameters

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._settled(request, super().dispatch(request, *args, **kwargs))

    def _settled(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """`response`, once what `_charge` put off has been counted: everything but a 304."""
        if response.status_code != HTTPStatus.NOT_MODIFIED:
            try:
                limits.settle(request)
            except errors.Problem as problem:
                return answer_error(request, problem)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Admit a request, cheapest question first: method, identity, limit, rights, body type, parameters."""
        if not hasattr(self, (request.method or "").lower()):
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)
        if request.META.get("CONTENT_LENGTH") not in (None, "", "0") and not self._parser(request):
            raise errors.UnsupportedMediaType(content_type=request.content_type[:100])
        self.values = self.parameters_of(request.method or "").of(request)

    def _parser(self, request: Request) -> BaseParser | None:
        return self.get_content_negotiator().select_parser(request, self.get_parsers())

    def perform_authentication(self, request: Request) -> None:
        """Find out who calls, and count the call."""
        self._identify(request)
        self._charge(request._request)

    def _identify(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except Exception:
            # A wrong token counts against its address.
            request._request.user = _ANONYMOUS
            self._charge(request._request)
            raise

    def _charge(self, request: HttpRequest) -> None:
        if self.limit_scope is None:
            limits.measure(request, limits.DEFAULT)
        elif request.method in _SAFE and "HTTP_IF_NONE_MATCH" in request.META:
            limits.defer(request, self.limit_scope)
        else:
            limits.charge(request, self.limit_scope)

    def check_permissions(self, request: Request) -> None:
        objection = self._objection(request.user, request.auth)
        if objection is not None:
            raise objection
        super().check_permissions(request)

    def _objection(self, user: Any, auth: Any) -> errors.Problem | None:
        if self.is_public() and self.minimum_rank == 0:
            return None
        if not (user.is_authenticated and user.is_active):
            return errors.Unauthenticated()
        if getattr(user, "role_rank", -1) < self.minimum_rank:
            metrics.AUTHORIZATION_DENIED.labels(type(self).__name__, str(getattr(user, "role", ""))).inc()
            return errors.PermissionDenied()
        scopes = getattr(auth, "scopes", None)
        if scopes is not None and self.key_scope != ANY_KEY and self.key_scope not in scopes:
            metrics.AUTHORIZATION_DENIED.labels(type(self).__name__, "api_key").inc()
            return errors.ScopeMissing(needed=self.key_scope)
        return None

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Which methods there are; `Allow` is set on every answer."""
        return Response(status=HTTPStatus.NO_CONTENT)

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        raise errors.MethodNotAllowed(headers={"Allow": ", ".join(self.allowed_methods)})


class ReadView(ApiView):
    """A GET that is asked for thousands of times a second: the same admission, without DRF's machinery.

    `get` receives Django's own request and returns a finished `HttpResponse`, e.g. of
    `rendering.json_response`. Where `etag` is known before the work is done, a client that holds it is
    answered with 304 free of charge.
    """

    # How long shared caches may keep an answer to an anonymous caller; 0: not at all.
    shared_seconds: ClassVar[int] = 0

    def etag(self, request: HttpRequest, **path: Any) -> str | None:
        """The entity tag of the answer, if it is cheap to know; see `conditional.weak_etag`."""
        return None

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in _SAFE:
            return super().dispatch(request, *args, **kwargs)
        try:
            response = self._answer(request, **kwargs)
        except Exception as error:
            response = answer_error(request, error)
        return self._settled(request, response)

    def _answer(self, request: HttpRequest, **path: Any) -> HttpResponse:
        is_anonymous = "HTTP_AUTHORIZATION" not in request.META
        if is_anonymous:
            request.user = _ANONYMOUS
        else:
            # DRF's request runs the authenticators and leaves the user on Django's request.
            self._identify(self.initialize_request(request, *self.args, **self.kwargs))
        self._charge(request)
        objection = self._objection(request.user, getattr(request, "auth", None))
        if objection is not None:
            raise objection
        etag = self.etag(request, **path)
        response = not_modified(request, etag) if etag is not None else None
        if response is None:
            self.values = self.parameters.of(request)
            response = self.get(request, **path)
            if etag is not None and response.status_code == HTTPStatus.OK:
                response.headers["ETag"] = etag
        if self.shared_seconds and is_anonymous and response.status_code in _CACHEABLE:
            cache_publicly(response, seconds=self.shared_seconds)
        return response
