"""The market as a whole: its data version, and whether it is real."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction

from config.kernel import partitions
from markets import versions
from markets.errors import MarketIsOfAnotherKind
from markets.models import Market


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything that decides the numbers of a simulated market: `days` before `end` (exclusive)."""

    seed: int
    assets: int
    days: int
    end: date


def touch(*, at: datetime) -> int:
    """Count one change of the market's data in the caller's transaction; readers hear of it after the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO markets_market AS m (id, data_version, changed_at) VALUES (1, 1, %s)"
            " ON CONFLICT (id) DO UPDATE SET data_version = m.data_version + 1, changed_at = excluded.changed_at"
            " RETURNING data_version",
            [at],
        )
        version = int(cursor.fetchone()[0])
    transaction.on_commit(lambda: versions.publish(version))
    return version


def simulation() -> Simulation | None:
    """What this market is simulated from; None for a real one."""
    stored = Market.objects.values_list("simulation", flat=True).first()
    if stored is None:
        return None
    return Simulation(stored["seed"], stored["assets"], stored["days"], date.fromisoformat(stored["end"]))


def require_kind(*, is_simulated: bool) -> None:
    """Raise `MarketIsOfAnotherKind` where simulated prices would meet real ones: the market may have been replaced
    after they were asked for."""
    if is_simulated != (simulation() is not None):
        raise MarketIsOfAnotherKind


@transaction.atomic
def mark_simulated(simulated: Simulation, *, at: datetime) -> None:
    """Say that every price of this market is invented, from what."""
    touch(at=at)
    Market.objects.update(
        simulation={
            "seed": simulated.seed,
            "assets": simulated.assets,
            "days": simulated.days,
            "end": simulated.end.isoformat(),
        }
    )


@transaction.atomic
def clear(*, at: datetime) -> None:
    """Remove every asset with its prices, and what syncs left behind; the market is then a real, empty one."""
    for table in ("markets_dailybar", "markets_snapshot"):
        for suffix in partitions.suffixes(table):
            partitions.drop(table, suffix)
    with connection.cursor() as cursor:
        for table in _CLEARED:
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608  # literal names
    touch(at=at)
    Market.objects.update(simulation=None, began_at=at)


# Children before parents.
_CLEARED = (
    "markets_newswording",
    "markets_newsscore",
    "markets_newsmention",
    "markets_newsitem",
    "markets_indicatorvalue",
    "markets_dailybar",
    "markets_snapshot",
    "markets_priceblock",
    "markets_divergence",
    "markets_quarantinedrecord",
    "markets_syncrun",
    "markets_rawanswer",
    "markets_priceoverride",
    "markets_quote",
    "markets_externalid",
    "markets_asset_categories",
    "markets_category",
    "markets_asset",
    "markets_source",
)
