"""The times that schedules can be given. Several may share one, so a time is added, looked at, never changed."""

from __future__ import annotations

from typing import Any

import django_celery_beat.admin  # noqa: F401  # registers the pages that ours replace
from celery.schedules import crontab
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule

from accounts.actions import schedules
from accounts.admin.person import signed_in
from accounts.queries.schedules import UNUSABLE
from config.kernel import clock

# Of these a schedule has no need: one runs once, the other follows the sun.
for replaced in (IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(replaced)

LONGEST = 366  # days

PERIODS = [(period, period) for period in ("seconds", "minutes", "hours", "days")]


class IntervalForm(forms.ModelForm):
    every = forms.IntegerField(min_value=1, max_value=LONGEST * 86_400)
    period = forms.ChoiceField(choices=PERIODS)

    class Meta:
        model = IntervalSchedule
        fields = ["every", "period"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if IntervalSchedule.objects.filter(every=data.get("every"), period=data.get("period")).exists():
            raise ValidationError("This interval exists already.")
        return data


class CrontabForm(forms.ModelForm):
    class Meta:
        model = CrontabSchedule
        fields = ["minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone"]

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        if CrontabSchedule.objects.filter(**self.cleaned_data).exists():
            self.add_error(None, "This crontab exists already.")
        moment = {name: value for name, value in self.cleaned_data.items() if name != "timezone"}
        try:
            crontab(**moment).remaining_estimate(clock.now())
        except UNUSABLE:
            self.add_error(None, "This moment never comes.")


class TimeAdmin(admin.ModelAdmin):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        schedules.add_time(obj, by=signed_in(request), at=clock.now())


@admin.register(IntervalSchedule)
class IntervalAdmin(TimeAdmin):
    form = IntervalForm
    list_display = ["__str__"]


@admin.register(CrontabSchedule)
class CrontabAdmin(TimeAdmin):
    form = CrontabForm
    list_display = ["__str__", "human_readable"]
