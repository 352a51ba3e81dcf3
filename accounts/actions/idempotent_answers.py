"""Doing once what is asked for twice: the answer to a request is kept under the key that its client gave it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from psycopg.errors import LockNotAvailable

from accounts.models import IdempotentAnswer, User
from config.kernel.errors import Conflict, Impossible

KEPT = timedelta(hours=24)
BATCH = 1_000


class IdempotencyInProgress(Conflict):
    code = "idempotency_in_progress"
    message = "The first request with this key is still being answered; ask again in a moment."


class IdempotencyKeyReused(Impossible):
    code = "idempotency_key_reused"
    message = "This key was used for another request."


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A request, as far as it must be the same to be answered the same: whose, for what, under which key."""

    user: User
    method: str
    path: str
    key: str
    digest: bytes

    @property
    def lock(self) -> int:
        """A number for the database's advisory lock. That two requests may share one costs nothing but a wait."""
        text = f"{self.user.pk}\n{self.method}\n{self.path}\n{self.key}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


@contextmanager
def only_one(request: Fingerprint) -> Iterator[IdempotentAnswer | None]:
    """A transaction in which nobody else answers the same request; gives the answer it has had already, if any.

    What the block changes and the answer that it keeps are stored together or not at all. Whoever comes meanwhile waits
    for as long as the connection waits for locks. Raises `IdempotencyInProgress` after that, and `IdempotencyKeyReused`
    for another request under the same key.
    """
    with transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [request.lock])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise IdempotencyInProgress(headers={"Retry-After": "1"}) from error
            raise
        kept = IdempotentAnswer.objects.filter(
            user=request.user, method=request.method, path=request.path, key=request.key
        )
        kept.filter(created_at__lt=Now() - KEPT).delete()
        answer = kept.first()
        if answer is not None and bytes(answer.request_digest) != request.digest:
            raise IdempotencyKeyReused
        yield answer


def keep(request: Fingerprint, *, status: int, headers: dict[str, str], body: bytes) -> None:
    """Note what the request was answered; call it inside `only_one`."""
    IdempotentAnswer.objects.create(
        user=request.user,
        method=request.method,
        path=request.path,
        key=request.key,
        request_digest=request.digest,
        status=status,
        headers=headers,
        body=body,
    )


def remove_old() -> int:
    """Remove the answers that are kept no longer; return how many."""
    removed = 0
    old = IdempotentAnswer.objects.filter(created_at__lt=Now() - KEPT)
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        removed += IdempotentAnswer.objects.filter(pk__in=batch).delete()[0]
    return removed
