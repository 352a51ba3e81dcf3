from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import Heartbeat, Incident, Job
from accounts.queries.queues import broker, queues, workers
from accounts.queries.scheduler import scheduler
from accounts.queries.schedules import next_run_at, with_times
from config.kernel import clock

MOST_RUNNING = 100


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """In place of a list of rows, the page on which operators see who works on what."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Queues, running jobs, workers, schedules, in as many questions however many there are of each."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        at, seen = clock.now(), broker()
        context = {
            **self.admin_site.each_context(request),
            "title": "Workers and queues",
            "opts": self.opts,
            "at": at,
            "scheduler": scheduler(at),
            "open_incidents": Incident.objects.open().count(),
            "broker": seen,
            "queues": queues(at, seen),
            "running": Job.objects.running().select_related("owner").order_by("started_at")[:MOST_RUNNING],
            "workers": workers(),
            "schedules": [(row, next_run_at(row, at)) for row in with_times().order_by("name")],
        }
        return TemplateResponse(request, "admin/accounts/heartbeat/workers_and_queues.html", context)

    def change_view(self, *_: Any, **__: Any) -> HttpResponse:
        """A single sign of life tells nobody anything."""
        raise PermissionDenied
