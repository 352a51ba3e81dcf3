from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.actions import incidents
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from accounts.admin.reasons import ask
from accounts.models import Incident
from config.kernel import clock


class OpenFilter(admin.SimpleListFilter):
    title = "whether it is over"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Open"), ("no", "Over")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Incident]) -> models.QuerySet[Incident]:
        if self.value() in {"yes", "no"}:
            return queryset.filter(closed_at__isnull=self.value() == "yes")
        return queryset


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ["opened_at", "severity", "kind", "summary", "last_seen_at", "closed_at", "acknowledged_by"]
    list_filter = [OpenFilter, "severity", "kind"]
    list_select_related = ["acknowledged_by"]
    search_fields = ["kind", "subject", "summary"]
    date_hierarchy = "opened_at"
    actions = ["acknowledge_selected"]

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_incident")

    @admin.action(description="Acknowledge", permissions=["acknowledge"])
    def acknowledge_selected(
        self, request: HttpRequest, queryset: models.QuerySet[Incident]
    ) -> TemplateResponse | None:
        by, at = signed_in(request), clock.now()

        def acknowledge(incident: Incident, reason: str) -> str:
            incidents.acknowledge(incident, by=by, reason=reason, at=at)
            return "acknowledged"

        return ask(
            self,
            request,
            queryset,
            action="acknowledge_selected",
            question="Acknowledge these incidents?",
            button="Acknowledge",
            deed=acknowledge,
        )
