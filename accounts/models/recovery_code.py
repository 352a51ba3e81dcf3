from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models


class RecoveryCodeQuerySet(models.QuerySet["RecoveryCode"]):
    def unused(self) -> Self:
        return self.filter(used_at=None)


class RecoveryCode(models.Model):
    """Stands in for a lost authenticator, once. Only its digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the code, which has 80 bits of chance.")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = RecoveryCodeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_unique")]

    def __str__(self) -> str:
        return f"recovery code of {self.user}"
