from typing import Any

import msgspec
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from markets.actions import quarantine
from markets.models import QuarantinedRecord
from markets.providers.decoding import UNREADABLE
from markets.runs import retry


@admin.register(QuarantinedRecord)
class QuarantinedRecordAdmin(ReadOnlyAdmin):
    """Rows that were not believed; each is retried or dismissed, and somebody says why."""

    list_display = ["last_seen_at", "provider", "external_id", "reason", "detail", "times_seen", "state"]
    list_filter = ["state", "reason", "provider"]
    search_fields = ["external_id", "detail", "decision_reason"]
    date_hierarchy = "last_seen_at"
    show_full_result_count = False
    list_per_page = 50
    actions = ["retry", "dismiss"]
    readonly_fields = ["row"]
    fieldsets = [
        (None, {"fields": ["provider", "external_id", "reason", "detail", "row"]}),
        ("Seen", {"fields": ["first_seen_at", "last_seen_at", "times_seen", "run"]}),
        ("Decision", {"fields": ["state", "decided_by", "decided_at", "decision_reason"]}),
    ]

    @admin.display(description="row as it came")
    def row(self, record: QuarantinedRecord) -> SafeString:
        # Laid out anew, but with every number spelled as it came; what has no shape or turns the line is spelled out.
        try:
            text = msgspec.json.format(record.raw, indent=2)
        except UNREADABLE:
            text = record.raw
        plain = "".join(sign if sign.isprintable() or sign == "\n" else f"\\u{ord(sign):04x}" for sign in text)
        return format_html('<pre class="raw">{}</pre>', plain)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.change_quarantinedrecord")

    def shown_beside(self, request: HttpRequest, obj: QuarantinedRecord) -> dict[str, Any]:
        is_open = obj.state == QuarantinedRecord.State.OPEN
        return {
            "may_decide": is_open and self.has_decide_permission(request),
            "checkbox": ACTION_CHECKBOX_NAME,
        }

    @admin.action(description="Retry: store selected rows after all…", permissions=["decide"])
    def retry(self, request: HttpRequest, queryset: QuerySet[QuarantinedRecord]) -> TemplateResponse | None:
        def deed(record: QuarantinedRecord, reason: str) -> str:
            stored = retry.perform(record, by=signed_in(request), reason=reason, at=clock.now())
            return "accepted" if stored.inserted or stored.updated else "accepted; the latest quote is newer and stays"

        return reasons.ask(
            self, request, queryset, action="retry", question="Store these rows after all?", button="Retry", deed=deed
        )

    @admin.action(description="Dismiss selected rows…", permissions=["decide"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[QuarantinedRecord]) -> TemplateResponse | None:
        def deed(record: QuarantinedRecord, reason: str) -> str:
            quarantine.dismiss(record, by=signed_in(request), reason=reason, at=clock.now())
            return "dismissed"

        return reasons.ask(
            self, request, queryset, action="dismiss", question="Dismiss these rows?", button="Dismiss", deed=deed
        )
