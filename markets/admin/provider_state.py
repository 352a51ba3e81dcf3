from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from markets.actions import provider_states
from markets.admin.badges import badge
from markets.models import ProviderState


@admin.register(ProviderState)
class ProviderStateAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "health",
        "last_error_code",
        "consecutive_failures",
        "last_success_at",
        "last_failure_at",
    ]
    list_filter = ["is_enabled"]
    fields = [
        ("name", "health", "is_enabled"),
        ("last_success_at", "last_failure_at", "consecutive_failures"),
        ("last_error_code", "last_error"),
    ]
    readonly_fields = ["health"]
    actions = ["enable", "disable"]

    @admin.display(description="health")
    def health(self, state: ProviderState) -> SafeString:
        if not state.is_enabled:
            return badge("off", "disabled")
        if state.consecutive_failures:
            return badge("stale", "failing")
        return badge("well", "well") if state.last_success_at else badge("off", "not asked yet")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.change_providerstate")

    @admin.action(description="Enable selected providers…", permissions=["switch"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ProviderState]) -> TemplateResponse | None:
        def deed(state: ProviderState, reason: str) -> str:
            provider_states.enable(state, by=signed_in(request), reason=reason, at=clock.now())
            return "enabled"

        return reasons.ask(
            self, request, queryset, action="enable", question="Ask these providers again?", button="Enable", deed=deed
        )

    @admin.action(description="Disable selected providers…", permissions=["switch"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ProviderState]) -> TemplateResponse | None:
        def deed(state: ProviderState, reason: str) -> str:
            provider_states.disable(state, by=signed_in(request), reason=reason, at=clock.now())
            return "disabled; syncs ask the next provider instead"

        return reasons.ask(
            self,
            request,
            queryset,
            action="disable",
            question="Ask these providers no more?",
            button="Disable",
            deed=deed,
        )
