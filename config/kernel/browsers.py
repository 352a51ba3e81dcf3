"""Cookies are for pages. The API knows none, so that no other site can act through a visitor's browser, and
so that its answers do not wait for sessions."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseForbidden
from django.middleware import csrf
from django.utils.deprecation import MiddlewareMixin

from config.kernel.envelope import is_api


class _PagesOnly(MiddlewareMixin):
    """Lets requests for the API pass by untouched."""

    async_capable = False

    def __call__(self, request: HttpRequest) -> Any:
        if is_api(request):
            return self.get_response(request)
        return super().__call__(request)


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Django's sessions, on pages."""


class CsrfViewMiddleware(_PagesOnly, csrf.CsrfViewMiddleware):
    """Django's check of forms, on pages."""

    def process_view(
        self, request: HttpRequest, callback: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseForbidden | None:
        return None if is_api(request) else super().process_view(request, callback, args, kwargs)


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    """Who is signed in to the pages."""


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    """Django's messages between two pages."""
