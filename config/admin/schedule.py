"""What runs by itself, in the hands of operators."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import django_celery_beat.admin  # noqa: F401  # registers the pages that ours replace
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django_celery_beat.models import PeriodicTask

from accounts.actions import schedules
from accounts.admin.person import signed_in
from accounts.admin.reasons import ask
from accounts.models import Job
from accounts.queries.schedules import next_run_at, with_times
from config.kernel import clock
from config.schedules import TASKS, ArgumentsRefused, check

admin.site.unregister(PeriodicTask)


class ScheduleForm(forms.ModelForm):
    task = forms.ChoiceField(choices=[(name, name) for name in TASKS])
    kwargs = forms.CharField(
        label="Arguments",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text='By name, as JSON: {"limit": 50}. Empty for none.',
    )
    queue = forms.ChoiceField(
        required=False, choices=[("", "the queue of the task"), *((name, name) for name in Job.Queue.values)]
    )

    class Meta:
        model = PeriodicTask
        fields = schedules.FIELDS

    def clean_kwargs(self) -> str:
        """An object of JSON, written the way it is stored everywhere."""
        try:
            arguments = json.loads(self.cleaned_data["kwargs"] or "{}")
        except ValueError as error:
            raise ValidationError(f"This is not JSON: {error}.") from error
        if not isinstance(arguments, dict):
            raise ValidationError('Name the arguments: {"limit": 50}.')
        return json.dumps(arguments)

    def clean_queue(self) -> str | None:
        return self.cleaned_data["queue"] or None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if {"interval", "crontab"} <= data.keys() and bool(data["interval"]) is bool(data["crontab"]):
            raise ValidationError("Choose either an interval or a crontab.")
        if data.get("start_time") and data.get("expires") and data["expires"] <= data["start_time"]:
            self.add_error("expires", "It would end before it starts.")
        if {"task", "kwargs"} <= data.keys():
            try:
                check(data["task"], json.loads(data["kwargs"]))
            except ArgumentsRefused as refusal:
                self.add_error("kwargs", refusal.message)
        return data

    def validate_unique(self) -> None:
        """The name alone: the model's own rule about times says in other words what `clean` has said."""
        try:
            models.Model.validate_unique(self.instance, exclude=self._get_validation_exclusions())  # type: ignore[attr-defined]
        except ValidationError as error:
            self.add_error(None, error)


@admin.register(PeriodicTask)
class ScheduleAdmin(admin.ModelAdmin):
    form = ScheduleForm
    list_display = ["name", "enabled", "time", "last_run_at", "next_run"]
    list_filter = ["enabled", "task"]
    search_fields = ["name", "task", "description"]
    ordering = ["name"]
    readonly_fields = ["last_run_at", "next_run", "total_run_count"]
    fieldsets = [
        (None, {"fields": ["name", "description", "enabled"]}),
        ("What", {"fields": ["task", "kwargs", "queue"]}),
        ("When", {"fields": ["interval", "crontab", "start_time", "expires"]}),
        ("So far", {"fields": ["last_run_at", "next_run", "total_run_count"]}),
    ]
    actions = ["run_selected_now", "switch_selected_on", "switch_selected_off"]

    @admin.display(description="time")
    def time(self, row: PeriodicTask) -> str:
        return str(row.scheduler)

    @admin.display(description="next run", empty_value="—")
    def next_run(self, row: PeriodicTask) -> datetime | None:
        return next_run_at(row, clock.now())

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[PeriodicTask]:
        return with_times()

    def save_model(self, request: HttpRequest, obj: PeriodicTask, form: Any, change: bool) -> None:
        deed = schedules.change if change else schedules.add
        deed(obj, by=signed_in(request), at=clock.now())

    def delete_model(self, request: HttpRequest, obj: PeriodicTask) -> None:
        schedules.remove(obj, by=signed_in(request), at=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[PeriodicTask]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    @admin.action(description="Run now", permissions=["change"])
    def run_selected_now(
        self, request: HttpRequest, queryset: models.QuerySet[PeriodicTask]
    ) -> TemplateResponse | None:
        question = "Run once now, apart from its times?"
        return self._ask(request, queryset, "run_selected_now", question, "Run now", schedules.run_now, "sent")

    @admin.action(description="Switch on", permissions=["change"])
    def switch_selected_on(
        self, request: HttpRequest, queryset: models.QuerySet[PeriodicTask]
    ) -> TemplateResponse | None:
        question = "Switch these schedules on?"
        return self._ask(request, queryset, "switch_selected_on", question, "Switch on", schedules.switch_on, "on")

    @admin.action(description="Switch off", permissions=["change"])
    def switch_selected_off(
        self, request: HttpRequest, queryset: models.QuerySet[PeriodicTask]
    ) -> TemplateResponse | None:
        question = "Switch these schedules off?"
        return self._ask(request, queryset, "switch_selected_off", question, "Switch off", schedules.switch_off, "off")

    def _ask(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[PeriodicTask],
        action: str,
        question: str,
        button: str,
        deed: Callable[..., None],
        outcome: str,
    ) -> TemplateResponse | None:
        do = partial(deed, by=signed_in(request), at=clock.now())

        def done(row: PeriodicTask, reason: str) -> str:
            do(row, reason=reason)
            return outcome

        return ask(self, request, queryset, action=action, question=question, button=button, deed=done)
