from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from markets.admin.amounts import MISSING
from risk.admin import signs
from risk.models import ScoreRun
from risk.runs import scoring


@admin.register(ScoreRun)
class ScoreRunAdmin(ReadOnlyAdmin):
    list_display = ["as_of", "model", "attempt", "outcome", "parts", "scored", "seconds", "started_at", "error"]
    list_filter = ["state", ("model", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["model"]
    search_fields = ["error", "model__version"]
    date_hierarchy = "as_of"
    show_full_result_count = False
    list_per_page = 50
    fields = [
        ("as_of", "model", "attempt", "outcome"),
        ("parts", "seconds", "started_at", "finished_at"),
        "counts",
        "durations",
        "error",
        ("fit", "news_at", "sentiment_version", "seed_base"),
        ("engine", "cpu"),
        "libraries",
        ("job", "finish_job"),
    ]
    readonly_fields = ["outcome", "parts", "seconds", "job", "finish_job"]
    actions = ["run_again"]

    def get_queryset(self, request: HttpRequest) -> Any:
        # What every chunk needs to know of the market is a megabyte that nobody looks at here.
        return super().get_queryset(request).select_related("model", "fit").defer("context")

    @admin.display(description="state", ordering="state")
    def outcome(self, run: ScoreRun) -> SafeString:
        return signs.of_run(run)

    @admin.display(description="chunks")
    def parts(self, run: ScoreRun) -> str:
        return f"{run.chunks_done} of {run.chunks}"

    @admin.display(description="rows by status")
    def scored(self, run: ScoreRun) -> str:
        return ", ".join(f"{count} {status}" for status, count in sorted(run.counts.items())) or MISSING

    @admin.display(description="duration")
    def seconds(self, run: ScoreRun) -> str:
        if run.finished_at is None:
            return MISSING
        return f"{(run.finished_at - run.started_at).total_seconds():.1f} s"

    @admin.display(description="job")
    def job(self, run: ScoreRun) -> str | SafeString:
        return _link(run.job_id)

    @admin.display(description="job that finishes it")
    def finish_job(self, run: ScoreRun) -> str | SafeString:
        return _link(run.finish_job_id)

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("risk.add_scorerun")

    @admin.action(description="Run selected again…", permissions=["run"])
    def run_again(self, request: HttpRequest, queryset: Any) -> TemplateResponse | None:
        def deed(run: ScoreRun, reason: str) -> str:
            scoring.request_again(run, by=signed_in(request), at=clock.now(), reason=reason)
            return "asked for again; a worker begins it in a moment"

        return reasons.ask(
            self, request, queryset, action="run_again", question="Run these again?", button="Run again", deed=deed
        )


def _link(job_id: UUID | None) -> str | SafeString:
    if job_id is None:
        return MISSING
    return format_html('<a href="{}">{}</a>', reverse("admin:accounts_job_change", args=[job_id]), job_id)
