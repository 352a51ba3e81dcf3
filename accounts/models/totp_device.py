from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.encryption import EncryptedTextField


class TotpDevice(models.Model):
    """An authenticator app that shares a secret with us; it counts once its owner has shown a code of it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="totp_device")
    secret = EncryptedTextField(help_text="Base32; encrypted where it is stored.")
    last_step = models.BigIntegerField(
        default=0, editable=False, help_text="Time step of the last code that was accepted; older codes are not."
    )
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "authenticator"

    def __str__(self) -> str:
        return f"authenticator of {self.user}"
