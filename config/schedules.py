"""What runs by itself, and when: the schedules a new installation starts with. Operators edit them in the admin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markets.freshness import BROAD_INTERVAL, TOP_INTERVAL, TOP_RANK
from markets.runs.sync import DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class Crontab:
    """A moment of every day or hour, in UTC."""

    minute: str
    hour: str = "*"


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
        "Jobs: tell the workers again",
        "accounts.relay_jobs",
        "Jobs whose message was lost are sent again.",
        seconds=10,
    ),
)
