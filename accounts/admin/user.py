from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts import signup_flags
from accounts.actions import people, two_factor
from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import User
from accounts.roles import Role
from config.kernel import clock

Action = Callable[["UserAdmin", HttpRequest, QuerySet[User]], TemplateResponse | None]


def _deed(name: str, description: str, question: str, done: str, deed: Callable[..., None]) -> Action:
    """An admin action that asks for a reason and then does `deed` to each person."""

    @admin.action(description=description, permissions=["decide"])
    def action(model_admin: "UserAdmin", request: HttpRequest, queryset: QuerySet[User]) -> TemplateResponse | None:
        def act(user: User, reason: str) -> str:
            deed(user, by=signed_in(request), at=clock.now(), reason=reason)
            return done

        return reasons.ask(model_admin, request, queryset, action=name, question=question, button="Go on", deed=act)

    action.__name__ = name  # by which the site tells its actions apart
    return action


def _to_role(role: Role) -> Action:
    def deed(user: User, **how: Any) -> None:
        people.set_role(user, role, **how)

    return _deed(f"make_{role}", f"Make {role}: selected people…", f"Make these people {role}?", f"made {role}", deed)


class FlagFilter(admin.SimpleListFilter):
    """Sign-ups that deserve a second look."""

    title = "sign-up flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(name, flag.sentence) for name, flag in signup_flags.FLAGS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(signup_flags__contains=[self.value()]) if self.value() else queryset


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People and services; what is done to them leaves a reason in the audit trail."""

    list_display = [
        "username",
        "email",
        "role",
        "status",
        "kind",
        "flags",
        "has_second_factor",
        "last_login",
        "created_at",
    ]
    list_filter = ["status", "role", "kind", FlagFilter]
    search_fields = ["username", "email_canonical"]
    fields = [
        *("username", "email", "role", "status", "kind", "flags", "signup_address", "has_second_factor"),
        *("last_login", "created_at", "updated_at"),
    ]
    readonly_fields = ["flags", "has_second_factor"]
    actions = [
        _deed("approve", "Approve: let selected people in…", "Let these people in?", "approved", people.approve),
        _deed("disable", "Disable: shut selected people out…", "Shut these people out?", "disabled", people.disable),
        _deed(
            "enable", "Enable: let disabled people in again…", "Let these people in again?", "enabled", people.enable
        ),
        *(_to_role(role) for role in Role),
        _deed(
            "revoke_sessions",
            "Revoke sessions of selected people…",
            "Make these people log in anew everywhere?",
            "logged out everywhere",
            people.revoke_sessions,
        ),
        _deed(
            "reset_second_factor",
            "Reset the second factor of selected people…",
            "Turn two-factor authentication off for these people, who have lost it?",
            "without a second factor",
            two_factor.reset,
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        # Whether there is a second factor can be said without its secret, which is decrypted where it is read.
        return super().get_queryset(request).select_related("totp_device").defer("totp_device__secret")

    @admin.display(description="sign-up flags")
    def flags(self, user: User) -> str:
        return ", ".join(user.signup_flags) or "-"

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        device = getattr(user, "totp_device", None)
        return device is not None and device.confirmed_at is not None

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")
