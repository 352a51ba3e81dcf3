"""Rows that were not believed: kept once each, retried or dismissed by a person who says why."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction

from accounts.actions import audit, reasons
from config.kernel.errors import Conflict
from markets.models import QuarantinedRecord, SyncRun
from markets.providers.rejects import Reject, readable

if TYPE_CHECKING:
    from accounts.models import User


class AlreadyDecided(Conflict):
    code = "already_decided"
    message = "Somebody has already decided about this row."


def add(rejects: Sequence[Reject], *, provider: str, run: SyncRun | None, at: datetime) -> None:
    """Keep refused rows; one that is open already for the same reason is seen once more."""
    # One statement cannot touch a row twice: of repeats the last one speaks.
    latest = {(readable(reject.external_id.encode("utf-8", "replace")), reject.reason): reject for reject in rejects}
    if not latest:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO markets_quarantinedrecord AS q"
            " (state, provider, external_id, reason, detail, raw, run_id, first_seen_at, last_seen_at, times_seen,"
            " decision_reason)"
            " VALUES ('open', %s, %s, %s, %s, %s, %s, %s, %s, 1, '')"
            " ON CONFLICT (provider, external_id, reason) WHERE state = 'open' DO UPDATE SET"
            " detail = excluded.detail, raw = excluded.raw, run_id = excluded.run_id,"
            " last_seen_at = excluded.last_seen_at, times_seen = q.times_seen + 1",
            [
                [
                    provider,
                    external_id[:200],
                    reason,
                    readable(reject.detail.encode("utf-8", "replace"))[:500],
                    reject.raw,
                    run.pk if run else None,
                    at,
                    at,
                ]
                for (external_id, reason), reject in latest.items()
            ],
        )


@transaction.atomic
def dismiss(record: QuarantinedRecord, *, by: "User", reason: str, at: datetime) -> None:
    """Record that the row was rightly refused. Raises `AlreadyDecided`, and `ValidationFailed` without a reason."""
    _decide(record, QuarantinedRecord.State.DISMISSED, by=by, reason=reason, at=at)


@transaction.atomic
def accept(record: QuarantinedRecord, *, by: "User", reason: str, at: datetime) -> None:
    """Record that the row was right after all; `markets.runs.retry` stores it. Raises as `dismiss` does."""
    _decide(record, QuarantinedRecord.State.ACCEPTED, by=by, reason=reason, at=at)


def _decide(
    record: QuarantinedRecord, state: QuarantinedRecord.State, *, by: "User", reason: str, at: datetime
) -> None:
    reason = reasons.given(reason)
    # Let the row count decide a race.
    decided = QuarantinedRecord.objects.open().filter(pk=record.pk)
    if not decided.update(state=state, decided_by=by, decided_at=at, decision_reason=reason):
        raise AlreadyDecided
    audit.record(
        f"markets.quarantine.{state.value}",
        actor=by,
        subject=record,
        at=at,
        reason=reason,
        before={"state": "open"},
        after={"state": state.value},
    )
