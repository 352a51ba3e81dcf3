"""The look at everything that operators must know about: opens incidents, and closes those that are over."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from accounts.actions import canaries, heartbeats, incidents
from accounts.models import Heartbeat
from accounts.queries.troubles import CHECKS

log = structlog.get_logger(__name__)

OVERDUE_AFTER = timedelta(seconds=60)
"""A schedule asks for it every half minute."""


def is_overdue(at: datetime) -> bool:
    """Whether nobody has looked for a minute: the scheduler, the broker or the workers of its queue are away."""
    return not Heartbeat.objects.of(Heartbeat.Organ.WATCH).filter(beaten_at__gte=at - OVERDUE_AFTER).exists()


def look(*, at: datetime) -> None:
    """Make the incidents be what is wrong. A check that cannot be made leaves those of its kind as they are."""
    canaries.send(at=at, afresh=is_overdue(at))
    for kind in CHECKS:
        try:
            _settle(kind, at)
        except Exception:
            log.exception("watch.check_failed", kind=kind)  # one blind eye must not close the others
    heartbeats.forget(at=at)
    heartbeats.beat(Heartbeat.Organ.WATCH, at=at)


@transaction.atomic
def _settle(kind: str, at: datetime) -> None:
    """Open or touch an incident for each trouble of the kind, and close the others."""
    troubles = list(CHECKS[kind](at))
    for trouble in troubles:
        incidents.open_or_touch(
            kind,
            trouble.subject,
            severity=trouble.severity,
            summary=trouble.summary,
            details=trouble.details,
            at=at,
        )
    incidents.close_others(kind, [trouble.subject for trouble in troubles], at=at)
