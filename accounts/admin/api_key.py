from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.actions import api_keys
from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import ApiKey
from config.kernel import clock


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Which programs call in whose name, and what they may do."""

    list_display = ["prefix", "name", "owner", "scopes", "created_at", "expires_at", "last_used_at", "disabled_at"]
    list_filter = ["owner__kind", ("disabled_at", admin.EmptyFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["prefix", "name", "owner__username"]
    fields = [
        *("prefix", "name", "owner", "scopes", "networks", "created_at", "expires_at"),
        *("last_used_at", "last_used_from", "disabled_at"),
    ]
    actions = ["disable"]

    @admin.action(description="Disable selected keys…", permissions=["decide"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> TemplateResponse | None:
        def deed(key: ApiKey, reason: str) -> str:
            api_keys.disable(key, by=signed_in(request), at=clock.now(), reason=reason)
            return "disabled"

        return reasons.ask(
            self, request, queryset, action="disable", question="Disable these keys?", button="Disable", deed=deed
        )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apikey")
