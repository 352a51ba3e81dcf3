"""Every route answers with and without its trailing slash, without a redirect that would lose a body."""

import re
from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class _SlashOptional(RoutePattern):
    """A route whose last slash may be there or not. Links are built the way the route is written."""

    def __init__(self, route: str, name: str) -> None:
        super().__init__(route, name=name, is_endpoint=True)
        # `regex` stays as written, because Django builds links from it.
        self._either_way = re.compile(self.regex.pattern.removesuffix(r"\Z").removesuffix("/") + r"/?\Z")

    def match(self, path: str) -> tuple[str, tuple[()], dict[str, Any]] | None:
        found = self._either_way.match(path)
        if found is None:
            return None
        arguments: dict[str, Any] = found.groupdict()
        try:
            for name, text in arguments.items():
                arguments[name] = self.converters[name].to_python(text)
        except ValueError:
            return None
        return "", (), arguments


def route(path: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    """One entry for `urlpatterns`; `path` is written the way links and the documentation show it."""
    return URLPattern(_SlashOptional(path, name), view, {}, name)
