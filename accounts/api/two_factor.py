import segno
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import passwords, two_factor
from accounts.api.callers import session_of, user_of
from accounts.api.serializers import Message
from accounts.models import TotpDevice
from config.kernel import clock
from config.kernel.serializers import PasswordField, StrictSerializer
from config.kernel.views import ApiView


class PasswordAgain(StrictSerializer):
    password = PasswordField(help_text="Yours, once more.")


class Code(StrictSerializer):
    otp = serializers.CharField(max_length=40, help_text="The code that the authenticator app shows now.")


class PasswordAndCode(PasswordAgain, Code):
    """Both factors, once more."""


class Enrolment(serializers.Serializer):
    secret = serializers.CharField(help_text="For typing into the app.")
    uri = serializers.CharField(help_text="otpauth://...; what the QR code says.")
    qr_svg = serializers.CharField(help_text="The QR code, as an SVG document.")


class RecoveryCodes(serializers.Serializer):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Each is good once in place of a code. They are not shown again."
    )


class SecondFactor(serializers.Serializer):
    is_enabled = serializers.BooleanField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    recovery_codes_left = serializers.IntegerField()


class ShowTwoFactor(ApiView):
    """Whether two-factor authentication is on."""

    @extend_schema(responses={200: SecondFactor})
    def get(self, request: Request) -> Response:
        user = user_of(request)
        confirmed_at = TotpDevice.objects.filter(user=user).values_list("confirmed_at", flat=True).first()
        left = user.recovery_codes.unused().count()
        return Response(
            {"is_enabled": confirmed_at is not None, "confirmed_at": confirmed_at, "recovery_codes_left": left}
        )


class SetUpTwoFactor(ApiView):
    """Get a secret for an authenticator app; nothing changes until `confirm`."""

    @extend_schema(request=PasswordAgain, responses={200: Enrolment})
    def post(self, request: Request) -> Response:
        body = PasswordAgain(data=request.data)
        body.is_valid(raise_exception=True)
        passwords.require(user_of(request), body.validated_data["password"])
        enrolment = two_factor.set_up(user_of(request), at=clock.now())
        qr_svg = segno.make(enrolment.uri, micro=False).svg_inline(scale=4)
        return Response({"secret": enrolment.secret, "uri": enrolment.uri, "qr_svg": qr_svg})


class ConfirmTwoFactor(ApiView):
    """Turn two-factor authentication on with a first code. Your other sessions end."""

    @extend_schema(request=Code, responses={200: RecoveryCodes})
    def post(self, request: Request) -> Response:
        body = Code(data=request.data)
        body.is_valid(raise_exception=True)
        codes = two_factor.confirm(
            user_of(request), body.validated_data["otp"], session_id=session_of(request), at=clock.now()
        )
        return Response({"recovery_codes": codes})


class _BothFactors(ApiView):
    def require_both(self, request: Request) -> None:
        body = PasswordAndCode(data=request.data)
        body.is_valid(raise_exception=True)
        passwords.require(user_of(request), body.validated_data["password"])
        two_factor.verify(user_of(request), body.validated_data["otp"], at=clock.now())


class DisableTwoFactor(_BothFactors):
    """Turn two-factor authentication off. Every session ends, this one included."""

    @extend_schema(request=PasswordAndCode, responses={200: Message})
    def post(self, request: Request) -> Response:
        self.require_both(request)
        two_factor.disable(user_of(request), at=clock.now())
        return Response({"message": "Two-factor authentication is off. Log in again."})


class RenewRecoveryCodes(_BothFactors):
    """Get new recovery codes; the old ones are good for nothing any more."""

    @extend_schema(request=PasswordAndCode, responses={200: RecoveryCodes})
    def post(self, request: Request) -> Response:
        self.require_both(request)
        codes = two_factor.renew_recovery_codes(user_of(request), session_id=session_of(request), at=clock.now())
        return Response({"recovery_codes": codes})
