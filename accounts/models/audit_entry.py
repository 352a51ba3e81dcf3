from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from config.kernel.append_only import AppendOnly, AppendOnlyQuerySet


class AuditEntryQuerySet(AppendOnlyQuerySet["AuditEntry"]):
    def about(self, subject: models.Model) -> Self:
        """What was done to `subject`, oldest first."""
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk)).order_by("pk")

    def verbs(self) -> list[str]:
        return list(self.values_list("verb", flat=True))


class AuditEntry(AppendOnly):
    """One deed: who did what to what, when and why. Written once, never changed.

    The database gives `id` and `created_at` itself, whatever the INSERT says, and at COMMIT the entry's link in the
    chain: `AuditLink`.
    """

    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="By the database's clock.")
    happened_at = models.DateTimeField(help_text="By the clock of the process that did it.")
    # People are disabled, not deleted, once the trail names them.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="deeds"
    )
    verb = models.CharField(max_length=100, help_text="app.noun.happened, such as accounts.user.role_changed.")
    subject_type = models.CharField(max_length=100, blank=True, help_text="app.model, empty when there is no subject.")
    subject_id = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    before = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    request_id = models.CharField(max_length=64, blank=True, help_text="The request or task that did it.")
    # The database's own default is for processes of the release before, which do not know the column yet.
    api_key = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Prefix of the API key with which it was done, if any.",
    )

    objects: ClassVar = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="audit_by_subject"),
            models.Index(fields=["verb"], name="audit_by_verb"),
            models.Index(fields=["created_at"], name="audit_by_time"),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(verb=""), name="audit_verb_is_given"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_type} {self.subject_id}".rstrip()
