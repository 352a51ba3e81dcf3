"""The base of what administrators do through the API."""

from typing import Any, ClassVar

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request

from accounts.actions import reasons
from accounts.credentials import Credential
from accounts.models import User
from accounts.roles import Role
from accounts.scopes import Scope
from config.kernel.errors import NotFound, PermissionDenied, Problem
from config.kernel.serializers import StrictSerializer
from config.kernel.views import ApiView


class SecondFactorRequired(PermissionDenied):
    code = "second_factor_required"
    message = "Administrators need two-factor authentication: turn it on, and log in with it."


class AdminView(ApiView):
    """Open to administrators, who must have shown a second factor where `ADMIN_REQUIRE_2FA` says so."""

    minimum_rank = Role.ADMIN.rank
    key_scope: ClassVar[str | None] = Scope.ADMIN

    def _objection(self, user: Any, auth: Any) -> Problem | None:
        objection = super()._objection(user, auth)
        if objection is None and lacks_second_factor(auth):
            return SecondFactorRequired()
        return objection

    def person(self, user_id: int) -> User:
        user = User.objects.filter(pk=user_id).first() if user_id < 2**63 else None
        if user is None:
            raise NotFound
        return user


def lacks_second_factor(auth: object) -> bool:
    """Whether somebody came without a second factor where `ADMIN_REQUIRE_2FA` asks administrators for one.

    A key needs none: whoever made it with the scope for this has shown one.
    """
    if not isinstance(auth, Credential) or auth.key is not None:
        return False
    return settings.ADMIN_REQUIRE_2FA and not auth.second_factor


class Deed(StrictSerializer):
    """What may be said along with a deed."""

    reason = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=reasons.MAX_LENGTH,
        help_text="Kept in the audit trail.",
    )


def reason_of(request: Request) -> str:
    """The reason in the body of a deed that needs nothing else."""
    body = Deed(data=request.data)
    body.is_valid(raise_exception=True)
    return str(body.validated_data["reason"])
