from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.actions import jobs
from accounts.actions.jobs import Cancellation
from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import Job
from accounts.models.job import JobQuerySet
from config.kernel import clock

_OUTCOMES = {
    Cancellation.CANCELLED: "cancelled",
    Cancellation.CANCELLING: "asked to stop at the next step",
    Cancellation.TOO_LATE: "left as finished",
}


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "kind", "owner", "state", "progress", "attempt", "finished_at", "error_code"]
    list_filter = ["state", "kind", "queue", ("owner", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["id", "kind", "owner__username", "request_id", "error_code"]
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = [
        ("kind", "queue", "owner"),
        ("state", "progress", "attempt", "max_attempts"),
        ("created_at", "run_after", "published_at"),
        ("started_at", "finished_at", "cancel_requested_at"),
        ("worker", "heartbeat_at", "lease_until"),
        "parameters",
        "result",
        ("error_code", "error_message"),
        "request_id",
    ]
    actions = ["retry", "cancel"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_job")

    @admin.action(description="Retry selected jobs…", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: JobQuerySet) -> TemplateResponse | None:
        def deed(job: Job, reason: str) -> str:
            jobs.retry(job, by=signed_in(request), at=clock.now(), reason=reason)
            return "waiting for another attempt"

        return reasons.ask(
            self, request, queryset, action="retry", question="Try these jobs again?", button="Retry", deed=deed
        )

    @admin.action(description="Cancel selected jobs…", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: JobQuerySet) -> TemplateResponse | None:
        def deed(job: Job, reason: str) -> str:
            return _OUTCOMES[jobs.cancel(job, by=signed_in(request), at=clock.now(), reason=reason)]

        return reasons.ask(
            self, request, queryset, action="cancel", question="Cancel these jobs?", button="Cancel jobs", deed=deed
        )
