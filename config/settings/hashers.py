"""How passwords are hashed."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from config.kernel.errors import ServiceUnavailable

AT_ONCE = os.cpu_count() or 1  # in one process; more would only wait for a core, each with its memory
PATIENCE_SECONDS = 5

_hashing = threading.BoundedSemaphore(AT_ONCE)


class TooManyLogins(ServiceUnavailable):
    code = "too_many_logins"
    message = "Too many people are logging in at this moment."


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with the parameters OWASP gives as the minimum: 19 MiB, two passes, one lane.

    Django's own take five times the memory, with which a flood of logins could bring a small server down; a bounded
    number at once keeps even that flood small.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turn():
            return bool(super().verify(password, encoded))


@contextmanager
def _turn() -> Iterator[None]:
    if not _hashing.acquire(timeout=PATIENCE_SECONDS):
        raise TooManyLogins
    try:
        yield
    finally:
        _hashing.release()
