from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from config.kernel.errors import Problem
from markets import feeds
from markets.admin.amounts import MISSING
from markets.admin.badges import badge
from markets.models import SyncRun
from markets.runs import sync


class SyncForm(forms.Form):
    """What to sync; the providers are those that may be asked now."""

    limit = forms.IntegerField(
        min_value=1, max_value=sync.MAX_LIMIT, initial=sync.DEFAULT_LIMIT, help_text="How many of the largest assets."
    )
    cross_check = forms.BooleanField(required=False, help_text="Let a second provider confirm the prices.")

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["provider"] = forms.ChoiceField(
            required=False,
            choices=[("", "in the order of the settings"), *((name, f"only {name}") for name in names)],
        )
        self.order_fields(["limit", "provider"])


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = [
        "started_at",
        "duration",
        "kind",
        "provider",
        "outcome",
        "error_code",
        "received",
        "inserted",
        "updated",
        "unchanged",
        "quarantined",
    ]
    list_filter = ["kind", "state", "provider", "error_code"]
    search_fields = ["error", "error_code"]
    date_hierarchy = "started_at"
    show_full_result_count = False
    list_per_page = 50
    fields = [
        ("kind", "outcome", "provider"),
        "limit",
        ("started_at", "finished_at", "duration"),
        ("received", "inserted", "updated", "unchanged", "quarantined"),
        ("error_code", "error"),
        "job",
    ]
    readonly_fields = ["outcome", "duration", "job"]

    @admin.display(description="state", ordering="state")
    def outcome(self, run: SyncRun) -> SafeString:
        kinds = {SyncRun.State.RUNNING: "running", SyncRun.State.SUCCEEDED: "well", SyncRun.State.FAILED: "stale"}
        return badge(kinds[SyncRun.State(run.state)], run.state)

    @admin.display(description="duration")
    def duration(self, run: SyncRun) -> str:
        return MISSING if run.duration_seconds is None else f"{run.duration_seconds:.1f} s"

    @admin.display(description="job")
    def job(self, run: SyncRun) -> str | SafeString:
        if run.job_id is None:
            return MISSING
        return format_html('<a href="{}">{}</a>', reverse("admin:accounts_job_change", args=[run.job_id]), run.job_id)

    def has_sync_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.add_syncrun")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.sync_now)
        return [path("sync-now/", view, name="markets_syncrun_sync_now"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(
            request, {"may_sync": self.has_sync_permission(request), **(extra_context or {})}
        )

    def sync_now(self, request: HttpRequest) -> HttpResponse:
        """Ask what to sync, then ask for the sync; a worker performs it."""
        if not self.has_sync_permission(request):
            raise PermissionDenied
        try:
            names = [provider.name for provider in feeds.providers()]
        except Problem as problem:
            self.message_user(request, problem.message, messages.ERROR)
            return redirect("admin:markets_syncrun_changelist")
        form = SyncForm(request.POST or None, names=names)
        if not form.is_valid():
            context = {**self.admin_site.each_context(request), "title": "Sync now", "opts": self.opts, "form": form}
            return TemplateResponse(request, "admin/markets/syncrun/sync_now.html", context)
        wanted = form.cleaned_data
        parameters = sync.Parameters(wanted["limit"], wanted["provider"] or None, wanted["cross_check"])
        job = sync.request(signed_in(request), parameters, at=clock.now())
        link = format_html('<a href="{}">job</a>', reverse("admin:accounts_job_change", args=[job.pk]))
        self.message_user(request, format_html("The sync is requested; a worker starts it in a moment ({}).", link))
        return redirect("admin:markets_syncrun_changelist")
