"""Secrets that must be read again: encrypted with the newest of ENCRYPTION_MASTER_KEY, read with any of them."""

from __future__ import annotations

import base64
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class SecretUnreadable(Exception):
    """A stored secret was encrypted with a key that ENCRYPTION_MASTER_KEY no longer has."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret cannot be read: put the key it was made with back into ENCRYPTION_MASTER_KEY."
        )


def seal(text: str) -> str:
    """`text`, readable only with the keys of this deployment."""
    return _fernet(settings.ENCRYPTION_MASTER_KEY).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """What `seal` was given. Raises `SecretUnreadable`."""
    try:
        return _fernet(settings.ENCRYPTION_MASTER_KEY).decrypt(sealed.encode("ascii")).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error


@lru_cache(maxsize=4)
def _fernet(master_keys: str) -> MultiFernet:
    # Any text may be a key; Fernet wants 32 bytes in URL-safe base64.
    keys = [key.strip() for key in master_keys.split(",") if key.strip()]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(sha256(key.encode()).digest())) for key in keys])


class EncryptedTextField(models.TextField):
    """Plain text in Python, sealed in the database; saving it again seals it with the newest key."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return None if value is None else seal(value)

    def from_db_value(self, value: str | None, *context: Any) -> str | None:
        return None if value is None else unseal(value)
