"""What is wrong at this moment, by kind: each check finds the troubles of one kind in what the database knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Min, Window
from django.db.models.functions import RowNumber

from accounts.models import Heartbeat, Incident, Job
from accounts.queries.scheduler import Condition, scheduler

DEAD_MATTERS = timedelta(hours=24)
LONGEST_WAIT = timedelta(minutes=5)
DEAF_AFTER = timedelta(minutes=5)
RECENT_JOBS = 10
MANY_FAILURES = 5
RECENT = timedelta(hours=24)
NAMED = 20  # jobs that are named one by one


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: what with, how bad, in one sentence and in numbers."""

    subject: str
    severity: Incident.Severity
    summary: str
    details: Mapping[str, object] = field(default_factory=dict)


def dead_jobs(at: datetime) -> Iterator[Trouble]:
    """Kinds of which jobs used up their attempts in the last day and were not tried again since."""
    dead = Job.objects.filter(state=Job.State.DEAD, finished_at__gt=at - DEAD_MATTERS).order_by()
    rows = dead.values("kind").annotate(
        jobs=Count("pk"), latest=Max("finished_at"), ids=ArrayAgg("pk", order_by="-finished_at")
    )
    for row in rows.order_by("kind"):
        yield Trouble(
            row["kind"],
            Incident.Severity.CRITICAL,
            f"{_jobs(row['jobs'])} of the kind {row['kind']} used up all attempts.",
            {"jobs": [str(pk) for pk in row["ids"][:NAMED]], "latest": row["latest"]},
        )


def failing_kinds(at: datetime) -> Iterator[Trouble]:
    """Kinds of which at least five of the last ten jobs came to nothing."""
    ended = Job.objects.filter(
        state__in=[Job.State.SUCCEEDED, Job.State.FAILED, Job.State.DEAD], finished_at__gt=at - RECENT
    )
    place = Window(RowNumber(), partition_by="kind", order_by=F("finished_at").desc())
    codes: dict[str, list[str]] = defaultdict(list)
    for kind, state, code in (
        ended.annotate(place=place).filter(place__lte=RECENT_JOBS).values_list("kind", "state", "error_code")
    ):
        if state != Job.State.SUCCEEDED:
            codes[kind].append(code)
    for kind, failures in sorted(codes.items()):
        if len(failures) >= MANY_FAILURES:
            yield Trouble(
                kind,
                Incident.Severity.WARNING,
                f"{len(failures)} of the last {RECENT_JOBS} jobs of the kind {kind} failed.",
                {"error_codes": sorted(set(failures))},
            )


def old_queues(at: datetime) -> Iterator[Trouble]:
    """Queues in which a job has waited for more than five minutes."""
    waiting = Job.objects.waiting().filter(run_after__lt=at - LONGEST_WAIT).order_by()
    for row in waiting.values("queue").annotate(jobs=Count("pk"), oldest=Min("run_after")).order_by("queue"):
        yield Trouble(
            row["queue"],
            Incident.Severity.WARNING,
            f"{_jobs(row['jobs'])} waited for more than {_minutes(LONGEST_WAIT)} in the queue {row['queue']}.",
            {"waiting": row["jobs"], "oldest": row["oldest"]},
        )


def deaf_queues(at: datetime) -> Iterator[Trouble]:
    """Queues of which no worker answers, although none of them is busy with a job."""
    answered = {beat.queue: beat for beat in Heartbeat.objects.of(Heartbeat.Organ.QUEUE).order_by("beaten_at")}
    busy = set(Job.objects.running().values_list("queue", flat=True))
    for asked in Heartbeat.objects.of(Heartbeat.Organ.CANARY).filter(beaten_at__lt=at - DEAF_AFTER).order_by("queue"):
        last = answered.get(asked.queue)
        if asked.queue not in busy and (last is None or last.beaten_at < asked.beaten_at):
            yield Trouble(
                asked.queue,
                Incident.Severity.CRITICAL,
                f"No worker has answered for the queue {asked.queue} for more than {_minutes(DEAF_AFTER)}.",
                {"asked": asked.beaten_at, "last_answer": last and last.beaten_at, "worker": last and last.instance},
            )


def silent_beats(at: datetime) -> Iterator[Trouble]:
    """The scheduler, when no process has sent what is due for a minute."""
    state = scheduler(at)
    if state.condition is Condition.SILENT:
        yield Trouble(
            "beat",
            Incident.Severity.CRITICAL,
            "No scheduler is running: nothing happens by itself.",
            {"last_tick": state.last_tick_at, "leader": state.leader},
        )


CHECKS: Mapping[str, Callable[[datetime], Iterator[Trouble]]] = {
    "dead_job": dead_jobs,
    "failing_kind": failing_kinds,
    "old_queue": old_queues,
    "deaf_queue": deaf_queues,
    "silent_beat": silent_beats,
}


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} minutes"
