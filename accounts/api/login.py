from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import login_delay
from accounts.actions import login, sessions
from accounts.actions.sessions import TokenPair as Pair
from accounts.api.authentication import BEARER, client_of, shown
from accounts.api.serializers import Credentials, RefreshRequest, TokenPair
from config.kernel import clock, limits
from config.kernel.addresses import client_address
from config.kernel.errors import ValidationFailed
from config.kernel.views import ApiView


class LogIn(ApiView):
    """Exchange a user name, or an e-mail address, and a password for an access and a refresh token.

    At most five attempts per address in 15 minutes, whatever comes of them. Where two-factor authentication is on, the
    code comes along as `otp`; without it the answer is `otp_required`.
    """

    public = True
    authentication_classes = []
    limit_scope = limits.LOGIN

    @extend_schema(request=Credentials, responses={200: TokenPair}, auth=[])
    def post(self, request: Request) -> Response:
        body = Credentials(data=request.data)
        body.is_valid(raise_exception=True)
        username, password = body.validated_data["username"], body.validated_data["password"]
        at = clock.now()
        login_delay.attempt(username, address=client_address(request._request), at=at)
        otp = body.validated_data.get("otp")
        return _answer(login.log_in(username, password, otp=otp, client=client_of(request), at=at))


class Refresh(ApiView):
    """Exchange a refresh token for a new access token, and for the refresh token to use next."""

    public = True
    authentication_classes = []  # the Authorization header may carry the refresh token

    @extend_schema(request=RefreshRequest, responses={200: TokenPair}, auth=[])
    def post(self, request: Request) -> Response:
        body = RefreshRequest(data=request.data)
        body.is_valid(raise_exception=True)
        token = body.validated_data.get("refresh_token") or shown(request, BEARER)
        if token is None:
            raise ValidationFailed(fields={"refresh_token": ["Send it here, or as Authorization: Bearer."]})
        return _answer(sessions.refresh(token, at=clock.now()))


def _answer(pair: Pair) -> Response:
    return Response({"access_token": pair.access_token, "refresh_token": pair.refresh_token, "token_type": "bearer"})
