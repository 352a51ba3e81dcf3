"""A small API of its own, so that these tests depend on no app."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import caches
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.exceptions import ValidationError as SerializerError
from rest_framework.request import Request
from rest_framework.response import Response

from config.information import Limits
from config.kernel import limits
from config.kernel.errors import Conflict, ProviderUnavailable
from config.kernel.parameters import Choice, Integer, Parameters
from config.kernel.rendering import json_response
from config.kernel.routes import route
from config.kernel.views import ApiView, ReadView


class Person:
    """As much of a user as the kernel knows about."""

    is_authenticated = True

    def __init__(self, pk: int, role_rank: int = 0, *, is_active: bool = True) -> None:
        self.pk = pk
        self.role_rank = role_rank
        self.is_active = is_active


class ByName(BaseAuthentication):
    """`Authorization: Bearer 7/20` is person 7 of rank 20."""

    def authenticate(self, request: Request) -> tuple[Person, None] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        try:
            pk, _, rank = header.removeprefix("Bearer ").partition("/")
            return Person(int(pk), int(rank or 0), is_active=int(pk) != 13), None
        except ValueError as error:
            raise AuthenticationFailed from error


class BoxOccupied(Conflict):
    code = "box_occupied"
    message = "Something is in the box already."


class Teapot(APIException):
    status_code = 418


class Order(serializers.Serializer):
    quantity = serializers.IntegerField(min_value=1)
    note = serializers.CharField(required=False)


class Open(ApiView):
    public = True
    authentication_classes = [ByName]
    parameters = Parameters(limit=Integer(default=100, minimum=1, maximum=250), order=Choice(("asc", "desc")))

    def get(self, request: Request) -> Response:
        return Response({"limit": self.values["limit"], "user": getattr(request.user, "pk", None)})

    def post(self, request: Request) -> Response:
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        return Response(order.validated_data, status=201)


class Item(ApiView):
    public = True
    authentication_classes = [ByName]
    parameters = Open.parameters

    def get(self, request: Request, pk: int) -> Response:
        return Response({"pk": pk})


class Closed(ApiView):
    authentication_classes = [ByName]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk})


class Restricted(Closed):
    minimum_rank = 20


class Fast(ReadView):
    public = True
    authentication_classes = [ByName]
    shared_seconds = 300
    parameters = Parameters(limit=Integer(default=100, minimum=1, maximum=250))

    def etag(self, request: HttpRequest, **path: Any) -> str:
        return 'W/"v1"'

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return json_response({"limit": self.values["limit"]})


class FastClosed(Fast):
    public = False
    minimum_rank = 20


class SometimesUnchanged(ApiView):
    """Learns only while answering that the client holds the answer already."""

    public = True
    authentication_classes: list = []

    def get(self, request: Request) -> HttpResponse:
        if request.META.get("HTTP_IF_NONE_MATCH") == '"held"':
            return HttpResponse(status=304)
        return json_response({"fresh": True})


class LimitsByName(Limits):
    authentication_classes = [ByName]


class SyncLike(ApiView):
    public = True
    authentication_classes: list = []
    limit_scope = limits.SYNC

    def post(self, request: Request) -> Response:
        return Response({}, status=202)


class LoginLike(SyncLike):
    limit_scope = limits.LOGIN


FAILURES: dict[str, Callable[[], Exception]] = {
    "not-found": Http404,
    "denied": PermissionDenied,
    "suspicious": lambda: SuspiciousOperation("canary"),
    "model": lambda: ValidationError({"quantity": ["Too many."]}),
    "whole-model": lambda: ValidationError("Does not fit."),
    "nested": lambda: SerializerError(
        {"legs": [{}, {"weight": ["Too heavy."], "name": ["Too long."]}], "tags": {"0": ["Unknown."]}}
    ),
    "teapot": Teapot,
    "conflict": lambda: BoxOccupied(box=7),
    "provider": ProviderUnavailable,
    "database": lambda: OperationalError("connection to canary failed"),
    "interface": lambda: InterfaceError("canary"),
    "accident": lambda: RuntimeError("canary: SELECT secret FROM people"),
}


class Failing(ApiView):
    public = True
    authentication_classes: list = []

    def get(self, request: Request, kind: str) -> Response:
        raise FAILURES[kind]()


class FastFailing(ReadView):
    public = True

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        raise FAILURES[path["kind"]]()


def failing_plain(request: HttpRequest, kind: str) -> HttpResponse:
    raise FAILURES[kind]()


def plain_status(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse("<html>canary</html>", status=status, headers={"Vary": "Origin"})


urls = ModuleType("kernel_test_urls")
urls.urlpatterns = [  # type: ignore[attr-defined]  # a module made by hand
    route("api/open", Open.as_view(), name="open"),
    route("api/closed/", Closed.as_view(), name="closed"),
    route("api/restricted", Restricted.as_view(), name="restricted"),
    route("api/fast", Fast.as_view(), name="fast"),
    route("api/fast-closed", FastClosed.as_view(), name="fast-closed"),
    route("api/sometimes", SometimesUnchanged.as_view(), name="sometimes"),
    route("api/sync", SyncLike.as_view(), name="sync"),
    route("api/login", LoginLike.as_view(), name="login"),
    route("api/limits", LimitsByName.as_view(), name="limits"),
    route("api/items/<int:pk>", Item.as_view(), name="item"),
    route("api/failing/<str:kind>", Failing.as_view(), name="failing"),
    route("api/fast-failing/<str:kind>", FastFailing.as_view(), name="fast-failing"),
    route("api/plain/<str:kind>", failing_plain, name="failing-plain"),
    route("api/status/<int:status>", plain_status, name="plain-status"),
    route("page/<str:kind>", failing_plain, name="failing-page"),
]
for _status, _name in ((400, "bad_request"), (403, "forbidden"), (404, "not_found"), (500, "server_error")):
    setattr(urls, f"handler{_status}", f"config.kernel.envelope.{_name}")


@pytest.fixture
def counters() -> Iterator[Any]:
    """The counters of the limits, empty before and after."""
    cache = caches["counters"]
    cache.clear()
    yield cache
    cache.clear()


@pytest.fixture
def api(settings: Any, counters: Any) -> Client:
    """A client of the small API above, with plenty of quota; one that receives a 500 instead of the exception."""
    settings.ROOT_URLCONF = urls
    settings.RATE_LIMIT_PER_MINUTE = 10_000
    return Client(raise_request_exception=False)
