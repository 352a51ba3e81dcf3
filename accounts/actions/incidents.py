"""What operators must know about: opened once, seen again and again, acknowledged by a person, closed when over."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction
from django.db.models.functions import Greatest

from accounts.actions import audit, mails, reasons
from accounts.models import Incident, User
from config.kernel.errors import Conflict

log = structlog.get_logger(__name__)


class IncidentNotOpen(Conflict):
    code = "incident_not_open"
    message = "This incident is over."


class IncidentAcknowledged(Conflict):
    code = "incident_acknowledged"
    message = "Somebody has already acknowledged this incident."


@transaction.atomic
def open_or_touch(
    kind: str,
    subject: str,
    *,
    severity: Incident.Severity,
    summary: str,
    at: datetime,
    details: Mapping[str, object] | None = None,
) -> Incident:
    """Open the incident of `kind` about `subject`; where one is open already, note that it still lasts.

    Of all who notice at once one opens it, so there is one trace and one mail however often it is seen.
    """
    described = {"severity": severity, "summary": summary[:500], "details": dict(details or {})}
    unclosed = Incident.objects.open().filter(kind=kind, subject=subject)
    if unclosed.update(last_seen_at=Greatest("opened_at", at), **described):
        return unclosed.get()
    try:
        with transaction.atomic():
            incident = Incident.objects.create(kind=kind, subject=subject, opened_at=at, last_seen_at=at, **described)
    except IntegrityError:
        return unclosed.get()  # somebody else noticed in the same moment
    after = {"kind": kind, "subject": subject, "severity": severity, "summary": incident.summary}
    audit.record("accounts.incident.opened", actor=None, subject=incident, at=at, after=after)
    path = f"/admin/accounts/incident/{incident.pk}/change/"
    context = {"kind": kind, "summary": incident.summary, "since": at, "path": path}
    mails.tell_administrators("incident_opened", context=context, at=at)
    log.error("incident.opened", kind=kind, subject=subject, summary=incident.summary)
    return incident


@transaction.atomic
def close(incident: Incident, *, at: datetime) -> None:
    """Record that it is over. Raises `IncidentNotOpen`."""
    if not Incident.objects.open().filter(pk=incident.pk).update(closed_at=Greatest("opened_at", at)):
        raise IncidentNotOpen
    audit.record("accounts.incident.closed", actor=None, subject=incident, at=at)
    log.info("incident.closed", kind=incident.kind, subject=incident.subject)


@transaction.atomic
def close_others(kind: str, subjects: Collection[str], *, at: datetime) -> None:
    """Close the open incidents of a kind about anything but these; whoever else closes one at the same time may."""
    for over in Incident.objects.open().filter(kind=kind).exclude(subject__in=subjects):
        with contextlib.suppress(IncidentNotOpen):
            close(over, at=at)


@transaction.atomic
def acknowledge(incident: Incident, *, by: User, reason: str, at: datetime) -> None:
    """Record that `by` has seen it and what they make of it; it stays open until it is over.

    Raises `IncidentNotOpen`, `IncidentAcknowledged`, and `ValidationFailed` without a reason.
    """
    reason = reasons.given(reason)
    unseen = Incident.objects.open().filter(pk=incident.pk, acknowledged_at__isnull=True)
    if not unseen.update(acknowledged_by=by, acknowledged_at=at):
        raise IncidentAcknowledged if Incident.objects.open().filter(pk=incident.pk).exists() else IncidentNotOpen
    audit.record("accounts.incident.acknowledged", actor=by, subject=incident, at=at, reason=reason)
