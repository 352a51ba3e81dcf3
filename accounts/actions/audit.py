"""The trace that every deed leaves."""

from collections.abc import Mapping
from datetime import datetime

from django.db import models, transaction
from prometheus_client import Counter
from structlog.contextvars import get_contextvars

from accounts.models import AuditEntry, User

# The verbs are words of our code: there are as many as there are kinds of deeds.
ROWS = Counter("audit_rows_total", "Entries written to the audit trail.", ["action"])


def record(
    verb: str,
    *,
    actor: User | None,
    subject: models.Model | None,
    at: datetime,
    reason: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Write down one deed, in the transaction of the deed itself: one cannot be stored without the other.

    `actor` is None for the product's own schedule. `before` and `after` hold only what changed, and no secrets.
    """
    transaction.on_commit(ROWS.labels(verb).inc)
    return AuditEntry.objects.create(
        verb=verb,
        actor=actor,
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        happened_at=at,
        reason=reason,
        before=dict(before or {}),
        after=dict(after or {}),
        request_id=current_request_id(),
        api_key=current_api_key(),
    )


def current_request_id() -> str:
    """The id of the request being answered, or of the one that a running task was started for; empty outside both."""
    return str(get_contextvars().get("request_id", ""))


def current_api_key() -> str:
    """The prefix of the API key with which the request being answered was made; empty where there was none."""
    return str(get_contextvars().get("api_key", ""))
