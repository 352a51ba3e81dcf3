from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class IdempotentAnswer(models.Model):
    """What a request with an `Idempotency-Key` was answered, so that the same request is answered the same again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    key = models.CharField(max_length=255)
    request_digest = models.BinaryField(max_length=32, help_text="SHA-256 of query and body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict, blank=True)
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()  # nobody handles these by hand
        indexes = [models.Index(fields=["created_at"], name="idempotent_answer_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["user", "method", "path", "key"], name="idempotent_answer_once"),
            models.CheckConstraint(condition=~models.Q(key=""), name="idempotent_answer_key_is_given"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"
