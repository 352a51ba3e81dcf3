"""What is left of logins when they are over."""

from datetime import datetime, timedelta

from django.db.models import Q

from accounts.actions import revocations
from accounts.models import Session

KEPT = timedelta(days=90)  # so that people can still see where they were logged in, and devices are known again


def forget(*, at: datetime) -> int:
    """Drop revocations that everything has outlived, and sessions that were over long ago; returns how many."""
    old = Session.objects.filter(Q(ended_at__lt=at - KEPT) | Q(last_seen_at__lt=at - KEPT))
    return revocations.forget_expired(at=at) + old.delete()[0]
