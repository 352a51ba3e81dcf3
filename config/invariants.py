"""What must hold whatever has happened: after a crash, a failover, a restore. `manage.py verify_invariants` asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import AuditEntry, Job, Mail
from accounts.queries import audit_chain
from config.kernel import clock, partitions
from config.kernel.partitions import Period
from markets.actions import bars
from markets.models.snapshot import TABLE as SNAPSHOTS
from risk.actions import forecast_outcomes
from risk.models import RiskModel

OUTBOX_PATIENCE = timedelta(minutes=15)  # longer than a dead worker can hold a mail
NAMED = 20
"""How many culprits each check names."""


def audit_trail_is_as_it_was_written() -> list[str]:
    """Every entry has its link, and every hash is what its entry and the link before it give."""
    verdict = audit_chain.verify()
    return [verdict.broken] if verdict.broken is not None else []


def audit_trail_is_closed() -> list[str]:
    """The database refuses to change any of it."""
    refusals = _rows(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'accounts_auditentry'::regclass AND tgenabled = 'A'"
        " AND tgname IN ('append_only_row', 'append_only_statement')"
    )
    return [] if len(refusals) == 2 else ["the audit trail does not refuse changes"]


def every_job_was_asked_for() -> list[str]:
    """A job and the trace of its request are stored together."""
    unknown = _rows(
        "SELECT j.id FROM accounts_job j WHERE NOT EXISTS (SELECT FROM accounts_auditentry a"
        " WHERE a.subject_type = 'accounts.job' AND a.subject_id = j.id::text AND a.verb = 'accounts.job.requested')"
        " LIMIT %s",
        NAMED,
    )
    return [f"job {pk} is not in the audit trail" for (pk,) in unknown]


def no_job_is_lost() -> list[str]:
    """Every accepted job has ended, waits with attempts left, or is held under a lease that did not end long ago."""
    patience = timedelta(seconds=2 * settings.JOB_LEASE_SECONDS + settings.JOB_SWEEP_SECONDS)
    silent = Job.objects.running().filter(lease_until__lt=Now() - patience)[:NAMED]
    stuck = Job.objects.waiting().filter(attempt__gte=F("max_attempts"))[:NAMED]
    return [
        *(f"job {job.pk} is held by {job.worker}, silent since {job.heartbeat_at}" for job in silent),
        *(f"job {job.pk} waits and has no attempts left" for job in stuck),
    ]


def outbox_is_drained() -> list[str]:
    """No mail waits for long after it was due: either it is sent or its next attempt lies ahead."""
    late = Mail.objects.due(clock.now() - OUTBOX_PATIENCE)[:NAMED]
    return [f"mail {mail.pk} ({mail.template}) was due at {mail.next_attempt_at}" for mail in late]


def no_bar_is_there_twice() -> list[str]:
    """There is one bar of each asset and day."""
    twice = _rows(
        "SELECT asset_id, day, count(*) FROM markets_dailybar GROUP BY asset_id, day HAVING count(*) > 1 LIMIT %s",
        NAMED,
    )
    return [f"asset {asset} has {count} bars of {day}" for asset, day, count in twice]


def partitions_are_in_place() -> list[str]:
    """Nothing is in a default partition for want of its own, and a table in use has those of now and next."""
    today = clock.now().astimezone(UTC).date()
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    wanted = {
        SNAPSHOTS: {Period.month(today).suffix, Period.month(following).suffix},
        bars.TABLE: {Period.year(today.year).suffix},
    }
    wrong = []
    for table, needed in wanted.items():
        if _rows(f"SELECT 1 FROM {table}_default LIMIT 1"):  # noqa: S608  # literal names
            wrong.append(f"{table} has rows in its default partition")
        if present := set(partitions.suffixes(table)):
            wrong += [f"{table} has no partition {suffix}" for suffix in sorted(needed - present)]
    return wrong


def outcomes_are_counted() -> list[str]:
    """What is told of the calibration is what the recorded outcomes amount to."""
    recorded_ones = forecast_outcomes.COUNTED.format(outcomes="risk_forecastoutcome")
    wrong = _rows(
        "SELECT coalesce(day.as_of, o.as_of), coalesce(day.horizon, o.horizon), o.size, day.size"  # noqa: S608  # literal names
        f" FROM risk_calibrationday day FULL JOIN ({recorded_ones}) o"
        " ON (o.model_id, o.as_of, o.horizon, o.level, o.bucket)"
        " = (day.model_id, day.as_of, day.horizon, day.level, day.bucket)"
        " WHERE (day.size, day.hits, day.comparable) IS DISTINCT FROM (o.size, o.hits, o.comparable)"
        # Sums of the same numbers in another order.
        " OR abs(day.beyond - o.beyond) > 1e-9 * o.size OR abs(day.width - o.width) > 1e-9 * o.size"
        " LIMIT %s",
        NAMED,
    )
    return [
        f"of the scores of {day}, horizon {horizon}, {recorded or 0} outcomes are recorded and {counted or 0} counted"
        for day, horizon, recorded, counted in wrong
    ]


def model_states_were_decided() -> list[str]:
    """Each risk model is what the audit trail says that somebody made of it, and so is the headline."""
    states = RiskModel.State
    wrong = []
    for model in RiskModel.objects.order_by("pk"):
        verbs = set(AuditEntry.objects.about(model).verbs())
        is_active = "risk.model.activated" in verbs
        decided = states.RETIRED if "risk.model.retired" in verbs else states.ACTIVE if is_active else states.DRAFT
        if model.state != decided:
            wrong.append(f"risk model {model.version} is {model.state}, and {decided} by the audit trail")
    shown = RiskModel.objects.headline().values_list("pk", flat=True).first()
    last = AuditEntry.objects.filter(verb="risk.model.made_headline").order_by("-pk").first()
    if (None if shown is None else str(shown)) != (None if last is None else last.subject_id):
        wrong.append("the headline among the risk models is not the one that the audit trail names last")
    return wrong


CHECKS: Sequence[Callable[[], list[str]]] = (
    audit_trail_is_as_it_was_written,
    audit_trail_is_closed,
    every_job_was_asked_for,
    no_job_is_lost,
    outbox_is_drained,
    no_bar_is_there_twice,
    partitions_are_in_place,
    outcomes_are_counted,
    model_states_were_decided,
)
"""Each says what is wrong, in words, and nothing if all is well."""


def _rows(query: str, *values: int) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return list(cursor.fetchall())
