"""What data is kept, and from when."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, Min

from markets.models import Asset, Market, Snapshot, Source


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
    snapshots = Snapshot.objects.aggregate(first=Min("at"), last=Max("at"))
    return Summary(
        is_simulated=Market.objects.filter(simulation__isnull=False).exists(),
        assets=listed.count(),
        bars_from=bars["first"],
        bars_to=bars["last"],
        snapshots_from=snapshots["first"],
        snapshots_to=snapshots["last"],
        sources=[{"name": source.name, "simulated": source.is_simulated} for source in Source.objects.all()],
    )


def assets(*, after: int, limit: int) -> list[Asset]:
    """Listed assets by id, beyond `after`."""
    return list(Asset.objects.listed().filter(pk__gt=after).order_by("pk")[:limit])
