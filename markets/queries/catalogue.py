"""What data is kept, and from when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast

from django.db import connection
from django.db.models import Max, Min

from config.kernel import partitions
from markets.models import Asset, Market, Source
from markets.models.snapshot import TABLE as SNAPSHOTS


@dataclass(frozen=True, slots=True)
class Summary:
    """The extent of everything that is stored; None where there is nothing."""

    is_simulated: bool
    assets: int
    bars_from: date | None
    bars_to: date | None
    snapshots_from: datetime | None
    snapshots_to: datetime | None
    sources: list[dict[str, object]]


def summary() -> Summary:
    """The extent of the listed assets' data."""
    listed = Asset.objects.listed()
    bars = listed.aggregate(first=Min("bars_from"), last=Max("bars_to"))
    months = partitions.suffixes(SNAPSHOTS)
    return Summary(
        is_simulated=Market.objects.filter(simulation__isnull=False).exists(),
        assets=listed.count(),
        bars_from=bars["first"],
        bars_to=bars["last"],
        snapshots_from=_first_in([*months, "default"], "min"),
        snapshots_to=_first_in([*reversed(months), "default"], "max"),
        sources=[{"name": source.name, "simulated": source.is_simulated} for source in Source.objects.all()],
    )


def _first_in(suffixes: Iterable[str], extreme: Literal["min", "max"]) -> datetime | None:
    """The extreme instant of the first month that has snapshots, by one look into its index for each asset."""
    with connection.cursor() as cursor:
        for suffix in suffixes:
            cursor.execute(
                f"SELECT {extreme}(s.at) FROM markets_asset a CROSS JOIN LATERAL"  # noqa: S608  # names that we gave
                f' (SELECT {extreme}(at) AS at FROM "{SNAPSHOTS}_{suffix}" WHERE asset_id = a.id) s'
            )
            (found,) = cursor.fetchone()
            if found is not None:
                return cast(datetime, found)
    return None


def assets(*, after: int, limit: int) -> list[Asset]:
    """Listed assets by id, beyond `after`."""
    return list(Asset.objects.listed().filter(pk__gt=after).order_by("pk")[:limit])
