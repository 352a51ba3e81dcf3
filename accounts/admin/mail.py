from django.contrib import admin
from django.contrib.admin.filters import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.actions import mails
from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import Mail
from config.kernel import clock


class StateFilter(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("pending", "pending"), ("sent", "sent"), ("given-up", "given up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Mail]) -> QuerySet[Mail]:
        if self.value() == "pending":
            return queryset.filter(sent_at__isnull=True, given_up_at__isnull=True)
        if self.value() == "sent":
            return queryset.filter(sent_at__isnull=False)
        return queryset.filter(given_up_at__isnull=False) if self.value() == "given-up" else queryset


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """What became of each mail. What it said, and to whom in full, is nobody's business here."""

    list_display = [
        "created_at",
        "template",
        "redacted_recipient",
        "state",
        "attempts",
        "next_attempt_at",
        "last_error",
    ]
    list_filter = [StateFilter, "template"]
    search_fields = ["=id", "=recipient", "last_error"]
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ["send_again"]
    fields = [
        *["template", "redacted_recipient", "state", "attempts", "last_error"],
        *["created_at", "next_attempt_at", "sent_at", "given_up_at"],
    ]

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_mail")

    @admin.action(description="Send selected mails again…", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Mail]) -> TemplateResponse | None:
        def deed(mail: Mail, reason: str) -> str:
            mails.send_again(mail, by=signed_in(request), reason=reason, at=clock.now())
            return "will be sent again"

        return reasons.ask(
            self,
            request,
            queryset,
            action="send_again",
            question="Send these mails again?",
            button="Send again",
            deed=deed,
        )
