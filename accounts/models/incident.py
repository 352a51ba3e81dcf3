from __future__ import annotations

from typing import Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)


class Incident(models.Model):
    """Something that operators must know about, from the moment it is noticed until it is over."""

    class Severity(models.TextChoices):
        WARNING = "warning"
        CRITICAL = "critical"

    kind = models.CharField(max_length=64, help_text="What is wrong, such as old_queue.")
    subject = models.CharField(max_length=200, help_text="What it is wrong with, such as the name of the queue.")
    severity = models.CharField(max_length=16, choices=Severity.choices)
    summary = models.CharField(max_length=500)
    details = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="acknowledged_incidents"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(closed_at__isnull=True), name="incident_one_open_per_subject"
            ),
            models.CheckConstraint(condition=~Q(kind="") & ~Q(subject=""), name="incident_is_about_something"),
            models.CheckConstraint(
                condition=Q(severity__in=["warning", "critical"]), name="incident_severity_is_known"
            ),
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("opened_at"))
                & (Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at"))),
                name="incident_times_are_in_order",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_by__isnull=True, acknowledged_at__isnull=True)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
                name="incident_acknowledged_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
