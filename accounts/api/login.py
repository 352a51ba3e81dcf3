from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import login
from accounts.api.authentication import bearer_token
from accounts.api.serializers import AccessToken, Credentials, RefreshRequest, TokenPair
from config.kernel import clock, limits
from config.kernel.errors import ValidationFailed
from config.kernel.views import ApiView


class LogIn(ApiView):
    """Exchange a user name, or an e-mail address, and a password for an access and a refresh token.

    At most five attempts per address in 15 minutes, whatever comes of them.
    """

    public = True
    authentication_classes = []
    limit_scope = limits.LOGIN

    @extend_schema(request=Credentials, responses={200: TokenPair}, auth=[])
    def post(self, request: Request) -> Response:
        credentials = Credentials(data=request.data)
        credentials.is_valid(raise_exception=True)
        username, password = credentials.validated_data["username"], credentials.validated_data["password"]
        pair = login.log_in(username, password, at=clock.now())
        return Response(
            {"access_token": pair.access_token, "refresh_token": pair.refresh_token, "token_type": "bearer"}
        )


class Refresh(ApiView):
    """Exchange a refresh token for a new access token."""

    public = True
    authentication_classes = []  # the Authorization header may carry the refresh token

    @extend_schema(request=RefreshRequest, responses={200: AccessToken}, auth=[])
    def post(self, request: Request) -> Response:
        body = RefreshRequest(data=request.data)
        body.is_valid(raise_exception=True)
        token = body.validated_data.get("refresh_token") or bearer_token(request)
        if token is None:
            raise ValidationFailed(fields={"refresh_token": ["Send it here, or as Authorization: Bearer."]})
        return Response({"access_token": login.refresh(token, at=clock.now()), "token_type": "bearer"})
