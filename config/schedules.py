"""What runs by itself, and when: the schedules a new installation starts with. Operators edit them in the admin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import get_type_hints

from celery import current_app
from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from config.kernel.errors import ValidationFailed
from markets.freshness import BROAD_INTERVAL, TOP_INTERVAL, TOP_RANK
from markets.runs.sync import DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class Crontab:
    """A moment of every month, day or hour, in UTC."""

    minute: str
    hour: str = "*"
    day_of_month: str = "*"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task with its arguments, every `seconds` or at `crontab`."""

    name: str
    task: str
    description: str
    seconds: int | None = None
    crontab: Crontab | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)


SCHEDULES: Sequence[Schedule] = (
    Schedule(
        "Market: sync the top 50",
        "update_market_data",
        "The latest quotes of the largest assets.",
        seconds=int(TOP_INTERVAL.total_seconds()),
        arguments={"limit": TOP_RANK},
    ),
    Schedule(
        "Market: sync the top 200",
        "update_market_data",
        "The latest quotes of the wider market; a second provider is asked to confirm the prices.",
        seconds=int(BROAD_INTERVAL.total_seconds()),
        arguments={"limit": DEFAULT_LIMIT, "cross_check": True},
    ),
    Schedule(
        "Market: observe the whole",
        "markets.observe_indicators",
        "Total market cap and volume, and the dominance of Bitcoin and Ethereum.",
        crontab=Crontab(minute="10"),
    ),
    Schedule(
        "Market: observe fear and greed",
        "markets.observe_fear_and_greed",
        "The Fear & Greed index with its whole history.",
        crontab=Crontab(minute="15", hour="0"),
    ),
    Schedule(
        "Market: collect news",
        "markets.collect_news",
        "Headlines of every feed that is not disabled; matched to assets and scored.",
        seconds=900,
    ),
    Schedule(
        "Market: close yesterday",
        "markets.close_days",
        "Daily bars of complete days from the quotes that were seen.",
        crontab=Crontab(minute="5", hour="0"),
    ),
    Schedule(
        "Market: describe assets",
        "markets.describe_assets",
        "Description, website and categories of the largest assets that have not been described for a month.",
        crontab=Crontab(minute="20", hour="*"),
        arguments={"limit": 20},
    ),
    Schedule(
        "Market: enforce retention",
        "markets.enforce_retention",
        "Drop prices beyond the retention and prepare the partitions to come.",
        crontab=Crontab(minute="30", hour="3"),
    ),
    Schedule(
        "Risk: score every asset",
        "risk.score_universe",
        "A score, its causes and its intervals for every listed asset as of yesterday's close, by every active model.",
        crontab=Crontab(minute="15", hour="0"),
    ),
    Schedule(
        "Risk: look after runs",
        "risk.look_after_runs",
        "A run that waits for a job which has ended without its result has failed, and leaves its day to another one.",
        seconds=60,
    ),
    Schedule(
        "Risk: compare forecasts with what happened",
        "risk.record_forecast_outcomes",
        "Losses beyond the value at risk of the day before, realised risk inside the intervals of a month ago.",
        crontab=Crontab(minute="45", hour="0"),
    ),
    Schedule(
        "Risk: learn from last month",
        "risk.fit_models",
        "Every active model is fitted again on everything that was over by the end of last month.",
        crontab=Crontab(minute="0", hour="1", day_of_month="1"),
    ),
    Schedule(
        "Jobs: tell the workers again",
        "accounts.relay_jobs",
        "Jobs whose message was lost, and those whose next attempt is due, are sent again.",
        seconds=10,
    ),
    Schedule(
        "Jobs: take back from lost workers",
        "accounts.reap_jobs",
        "Jobs whose worker has fallen silent are given to another one, or declared dead.",
        seconds=settings.JOB_SWEEP_SECONDS,
    ),
    Schedule(
        "Jobs: remove what has expired",
        "cleanup_expired_tasks",
        "Finished jobs beyond JOB_RESULT_RETENTION_HOURS, and answers kept for repeated requests.",
        crontab=Crontab(minute="40", hour="*"),
    ),
    Schedule(
        "Incidents: look at everything",
        "accounts.watch",
        "Incidents are opened about what is wrong, and closed when it is over.",
        seconds=30,
    ),
    Schedule(
        "Mails: deliver",
        "accounts.deliver_mails",
        "Mails that could not be sent before, and those whose message was lost.",
        seconds=30,
    ),
    Schedule(
        "Mails: forget what was said",
        "accounts.forget_mails",
        "The words of mails that were sent or given up a week ago: they name people.",
        crontab=Crontab(minute="40", hour="3"),
    ),
    Schedule(
        "Accounts: forget old logins",
        "accounts.forget_logins",
        "Withdrawn tokens that have expired by themselves, and sessions that ended a quarter of a year ago.",
        crontab=Crontab(minute="50", hour="3"),
    ),
    Schedule(
        "Audit: log the head of the chain",
        "accounts.log_audit_head",
        "The log keeps, outside the database, what the trail must still contain later.",
        crontab=Crontab(minute="50"),
    ),
    Schedule(
        "Audit: verify the chain",
        "accounts.verify_audit_chain",
        "The whole audit trail is checked against its chain; what is broken is logged as an error.",
        crontab=Crontab(minute="10", hour="4"),
    ),
)

TASKS = sorted({schedule.task for schedule in SCHEDULES})
"""What a schedule may start."""


class ArgumentsRefused(ValidationFailed):
    code = "arguments_refused"


def check(task: str, arguments: Mapping[str, object]) -> None:
    """Raise `ArgumentsRefused`, with a sentence for a person, unless the task takes these arguments."""
    current_app.loader.import_default_modules()
    function = current_app.tasks[task].run
    hints = get_type_hints(function)
    takes = {p.name: p for p in signature(function).parameters.values() if p.kind is Parameter.KEYWORD_ONLY}
    for name in arguments:
        if name not in takes:
            offer = f"it takes {', '.join(takes)}" if takes else "it takes none"
            raise ArgumentsRefused(f'The task knows no argument "{name}"; {offer}.')
    for name, parameter in takes.items():
        if name not in arguments:
            if parameter.default is Parameter.empty:
                raise ArgumentsRefused(f'The task needs the argument "{name}".')
            continue
        try:
            TypeAdapter(hints[name]).validate_python(arguments[name], strict=True)
        except ValidationError as error:
            raise ArgumentsRefused(f'The argument "{name}" is not right: {error.errors()[0]["msg"]}.') from error
