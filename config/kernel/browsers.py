"""What is for pages, and what is for everybody.

Cookies are for pages. The API knows none, so that no other site can act through a visitor's browser, and so that its
answers do not wait for sessions. Its security headers and its Content-Length are the ones of pages, put on at once.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from corsheaders import middleware as cors
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware import clickjacking, common, csrf, security
from whitenoise import middleware as whitenoise

from config.kernel.envelope import is_api
from config.kernel.headers import put, vary


class _PagesOnly:
    """Lets requests for the API pass by untouched: a whole row of such layers in one step."""

    async_capable = False
    get_response: Callable[[HttpRequest], Any]

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)  # type: ignore[call-arg]  # of the middleware behind
        following = getattr(get_response, "__wrapped__", None)  # Django wraps each layer
        self._beyond: Callable[[HttpRequest], Any] = (
            following._beyond if isinstance(following, _PagesOnly) else get_response
        )

    def __call__(self, request: HttpRequest) -> Any:
        if is_api(request):
            return self._beyond(request)
        return super().__call__(request)  # type: ignore[misc]


class SecurityMiddleware(_PagesOnly, security.SecurityMiddleware):
    """Django's headers on pages, and on answers of the API the same with two more: they are nothing to show.

    The redirect to TLS is for pages: a redirected call of the API has already sent its token in clear.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self._of_answers: dict[bool, Mapping[str, str]] = {}

    def __call__(self, request: HttpRequest) -> Any:
        response = super().__call__(request)
        if is_api(request):
            put(response, self._headers(request))
        return response

    def _headers(self, request: HttpRequest) -> Mapping[str, str]:
        """What Django says of any answer; that depends on nothing but TLS."""
        is_secure = request.is_secure()
        headers = self._of_answers.get(is_secure)
        if headers is None:
            blank = self.process_response(request, HttpResponse(headers={"Content-Security-Policy": _NOTHING_TO_SHOW}))
            blank = clickjacking.XFrameOptionsMiddleware(lambda request: blank).process_response(request, blank)
            del blank.headers["Content-Type"]
            headers = self._of_answers[is_secure] = dict(blank.headers)
        return headers


_NOTHING_TO_SHOW = "default-src 'none'; frame-ancestors 'none'"


class CorsMiddleware(cors.CorsMiddleware):
    """Which other sites may read an answer. Browsers name the site; where none is named, nobody has to look it up."""

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META:
            return super().__call__(request)
        response = cast("HttpResponseBase", self.get_response(request))
        vary(response, "origin")
        return response


class WhiteNoiseMiddleware(_PagesOnly, whitenoise.WhiteNoiseMiddleware):
    """Static files of the pages."""


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Django's sessions, on pages."""


class CommonMiddleware(_PagesOnly, common.CommonMiddleware):
    """Django's check of the host and Content-Length, on pages; `config.kernel.envelope` has both for the API."""


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


class XFrameOptionsMiddleware(_PagesOnly, clickjacking.XFrameOptionsMiddleware):
    """No site may frame a page."""
