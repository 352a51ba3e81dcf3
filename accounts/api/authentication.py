"""Who is calling, read from the Authorization header."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.actions import login
from accounts.models import User
from accounts.tokens import TokenInvalid, TokenType

SCHEME = b"bearer"


def bearer_token(request: Request) -> str | None:
    """The token of `Authorization: Bearer ...`; None without such a header. Raises `TokenInvalid`."""
    header = get_authorization_header(request)
    scheme, _, token = header.partition(b" ")
    if scheme.lower() != SCHEME:
        return None
    try:
        return token.strip().decode("ascii")
    except UnicodeDecodeError as error:
        raise TokenInvalid from error


class TokenAuthentication(BaseAuthentication):
    """An access token in the Authorization header.

    No such header: an anonymous request. One that is not good in every respect: 401, also where anonymous requests are
    welcome, because the caller believes to be somebody.
    """

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        token = bearer_token(request)
        if token is None:
            return None
        return login.bearer(token, TokenType.ACCESS), token
