"""What this API is, and where its caller stands."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.kernel import limits
from config.kernel.rendering import json_response
from config.kernel.views import ApiView


@require_safe
def root(request: HttpRequest) -> HttpResponse:
    """GET /: name, version, and where to go from here."""
    return json_response(
        {
            "name": settings.SPECTACULAR_SETTINGS["TITLE"],
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
            "api": "/api/v1/",
            "documentation": {
                "swagger": reverse("docs"),
                "redoc": reverse("redoc"),
                "openapi": reverse("openapi"),
            },
            "health": reverse("health"),
            "limits": reverse("limits"),
            "is_demo": settings.DEMO,
        }
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Fresh", value={"scope": "default", "limit": 60, "remaining": 42, "window_seconds": 60, "resets_in": 17}
        )
    ]
)
class Limit(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(sorted(limits.SCOPES))
    limit = serializers.IntegerField(help_text="Requests per window.")
    remaining = serializers.IntegerField(allow_null=True, help_text="null while the counters cannot be read.")
    window_seconds = serializers.IntegerField()
    resets_in = serializers.IntegerField(help_text="Seconds until the window starts anew.")


class LimitsAnswer(serializers.Serializer[Any]):
    limits = Limit(many=True)


class Limits(ApiView):
    """Where you stand with each rate limit; asking is free."""

    public = True
    limit_scope = None

    @extend_schema(responses={200: LimitsAnswer})
    def get(self, request: Request) -> Response:
        standing = [limits.measure(request._request, scope) for scope in limits.SCOPES.values()]
        return Response(
            {
                "limits": [
                    {
                        "scope": decision.scope.name,
                        "limit": decision.limit,
                        "remaining": decision.remaining if decision.is_known else None,
                        "window_seconds": decision.scope.window_seconds,
                        "resets_in": decision.resets_in,
                    }
                    for decision in standing
                ]
            }
        )
