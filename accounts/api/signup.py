from http import HTTPStatus

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import signups
from accounts.api.authentication import client_of
from config.kernel import clock, limits
from config.kernel.serializers import PasswordField, StrictSerializer
from config.kernel.views import ApiView

RECEIVED = {"message": "Signup received. Await approval.", "status": "pending"}


class SignUpRequest(StrictSerializer):
    username = serializers.CharField(max_length=64, help_text="Letters, digits and underscores.")
    email = serializers.EmailField(max_length=254)
    password = PasswordField(
        help_text="At least 10 characters, of any kind.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Received", value=RECEIVED)])
class SignUpReceived(serializers.Serializer):
    message = serializers.CharField()
    status = serializers.ChoiceField(["pending"])


class SignUp(ApiView):
    """Ask for an account. An administrator approves it; until then nobody can log in.

    The answer is the same where the name or the address is in use already: only the address is told, by mail.
    """

    public = True
    authentication_classes = []
    limit_scope = limits.SIGNUP

    @extend_schema(request=SignUpRequest, responses={201: SignUpReceived}, auth=[])
    def post(self, request: Request) -> Response:
        body = SignUpRequest(data=request.data)
        body.is_valid(raise_exception=True)
        signups.sign_up(**body.validated_data, client=client_of(request), at=clock.now())
        return Response(RECEIVED, status=HTTPStatus.CREATED)
