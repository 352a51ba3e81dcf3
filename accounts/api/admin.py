"""The base of what administrators do through the API."""

from typing import Any

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
    key_scope = Scope.ADMIN

    def _objection(self, user: Any, auth: Any) -> Problem | None:
        objection = super()._objection(user, auth)
        if objection is None and settings.ADMIN_REQUIRE_2FA and isinstance(auth, Credential):
            is_enough = auth.second_factor or auth.key is not None
            return None if is_enough else SecondFactorRequired()
        return objection

    def person(self, user_id: int) -> User:
        user = User.objects.filter(pk=user_id).first() if user_id < 2**63 else None
        if user is None:
            raise NotFound
        return user


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
