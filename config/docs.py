"""The documentation: one OpenAPI document, and two browsers for it whose files come from this server."""

from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema

from config.kernel.conditional import weak_etag
from config.kernel.rendering import MEDIA_TYPE, dumps
from config.kernel.views import ReadView

_START = """window.addEventListener("load", () => {{
  window.ui = SwaggerUIBundle({{
    url: "{url}",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false,
    presets: [SwaggerUIBundle.presets.apis],
  }});
}});
"""


@lru_cache(maxsize=1)
def _document() -> bytes:
    # The routes of a process do not change, and writing them down takes a good part of a second.
    return dumps(cast("Any", SchemaGenerator)().get_schema(request=None, public=True))


def _title() -> str:
    return str(settings.SPECTACULAR_SETTINGS["TITLE"])


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """GET /openapi.json: the document at the place where tools look for it."""
    return HttpResponse(_document(), content_type=MEDIA_TYPE, headers={"Cache-Control": "public, max-age=60"})


class Schema(ReadView):
    """GET /api/v1/schema: the same document as a part of the API, with its limits and conditions."""

    public = True
    shared_seconds = 60

    def etag(self, request: HttpRequest, **path: Any) -> str:
        return weak_etag(_document())

    @extend_schema(exclude=True)  # the document does not describe itself
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return HttpResponse(_document(), content_type=MEDIA_TYPE)


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """GET /docs and /apidocs/: try the API from the browser."""
    return render(request, "docs/swagger.html", {"title": _title()})


@require_safe
def swagger_script(request: HttpRequest) -> HttpResponse:
    """GET /docs/start.js: a file of its own, so that the pages need no inline script."""
    return HttpResponse(_START.format(url=reverse("openapi")), content_type="text/javascript")


@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """GET /redoc: the API to read."""
    return render(request, "docs/redoc.html", {"title": _title(), "schema_url": reverse("openapi")})
