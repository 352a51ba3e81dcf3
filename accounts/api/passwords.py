from http import HTTPStatus

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import login_delay
from accounts.actions import passwords
from accounts.api.authentication import client_of
from accounts.api.callers import user_of
from accounts.api.serializers import Message
from config.kernel import clock, limits
from config.kernel.addresses import client_address
from config.kernel.serializers import PasswordField, StrictSerializer
from config.kernel.views import ApiView


class PasswordChange(StrictSerializer):
    current_password = PasswordField()
    new_password = PasswordField()


class PasswordResetRequest(StrictSerializer):
    email = serializers.EmailField(max_length=254)


class PasswordReset(StrictSerializer):
    token = serializers.CharField(max_length=200, help_text="From the mail; good once, for an hour.")
    new_password = PasswordField()


class ChangePassword(ApiView):
    """Give yourself another password. Every session ends, this one included."""

    @extend_schema(request=PasswordChange, responses={200: Message})
    def post(self, request: Request) -> Response:
        body = PasswordChange(data=request.data)
        body.is_valid(raise_exception=True)
        current, new = body.validated_data["current_password"], body.validated_data["new_password"]
        passwords.change(user_of(request), current, new, client=client_of(request), at=clock.now())
        return Response({"message": "Password changed. Log in again."})


class AskForPasswordReset(ApiView):
    """Have a token mailed to the address of an account; the answer is the same where there is none."""

    public = True
    authentication_classes = []
    limit_scope = limits.SIGNUP

    @extend_schema(request=PasswordResetRequest, responses={202: Message}, auth=[])
    def post(self, request: Request) -> Response:
        body = PasswordResetRequest(data=request.data)
        body.is_valid(raise_exception=True)
        passwords.ask_for_reset(body.validated_data["email"], at=clock.now())
        message = "If an account has this address, a mail with a token is on its way."
        return Response({"message": message}, status=HTTPStatus.ACCEPTED)


class ResetPassword(ApiView):
    """Set a password with the token from the mail. Every session ends."""

    public = True
    authentication_classes = []
    limit_scope = limits.LOGIN

    @extend_schema(request=PasswordReset, responses={200: Message}, auth=[])
    def post(self, request: Request) -> Response:
        body = PasswordReset(data=request.data)
        body.is_valid(raise_exception=True)
        token, new = body.validated_data["token"], body.validated_data["new_password"]
        user = passwords.reset(token, new, client=client_of(request), at=clock.now())
        login_delay.trust(user, address=client_address(request._request))
        return Response({"message": "Password changed. Log in again."})
