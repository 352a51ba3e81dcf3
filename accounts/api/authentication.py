"""Who is calling, read from the Authorization header."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from accounts import credentials
from accounts.clients import Client
from accounts.credentials import Credential
from accounts.models import User
from accounts.tokens import TokenInvalid
from config.kernel import clock
from config.kernel.addresses import client_address, ip_or_none

BEARER = b"bearer"
API_KEY = b"api-key"


def shown(request: Request, scheme: bytes) -> str | None:
    """What follows `scheme` in the Authorization header; None without it. Raises `TokenInvalid`."""
    given, _, text = get_authorization_header(request).partition(b" ")
    if given.lower() != scheme:
        return None
    try:
        return text.strip().decode("ascii")
    except UnicodeDecodeError as error:
        raise TokenInvalid from error


def client_of(request: Request) -> Client:
    """The program that asks, for the record of a login."""
    return Client.of(
        address=ip_or_none(client_address(request._request)), user_agent=request.META.get("HTTP_USER_AGENT", "")
    )


class CallerAuthentication(BaseAuthentication):
    """An access token or an API key in the Authorization header.

    No such header: an anonymous request. One that is not good in every respect: 401, also where anonymous requests are
    welcome, because the caller believes to be somebody.
    """

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        token = shown(request, BEARER)
        if token is not None:
            return credentials.of_token(token, at=clock.now())
        key = shown(request, API_KEY)
        if key is None:
            return None
        user, credential = credentials.of_key(key, address=client_address(request._request), at=clock.now())
        if credential.key is not None:
            bind_contextvars(api_key=credential.key.prefix)
        return user, credential
