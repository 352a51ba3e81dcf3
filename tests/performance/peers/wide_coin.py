"""The market in one wide table, kept up to date by the ORM: the usual way, done well."""

from datetime import datetime

import orjson
from django.db import connection, models, transaction

BATCH = 2_000


class WideCoin(models.Model):
    """A coin and its latest quote in one row, indexed by what lists are sorted by."""

    slug = models.CharField(max_length=120)
    symbol = models.CharField(max_length=50)
    name = models.CharField(max_length=200)
    image = models.CharField(max_length=500)
    rank = models.IntegerField(null=True)
    price = models.FloatField(null=True)
    market_cap = models.FloatField(null=True)
    volume_24h = models.FloatField(null=True)
    change_1h = models.FloatField(null=True)
    change_24h = models.FloatField(null=True)
    change_7d = models.FloatField(null=True)
    high_24h = models.FloatField(null=True)
    low_24h = models.FloatField(null=True)
    ath = models.FloatField(null=True)
    ath_at = models.DateTimeField(null=True)
    atl = models.FloatField(null=True)
    atl_at = models.DateTimeField(null=True)
    circulating_supply = models.FloatField(null=True)
    total_supply = models.FloatField(null=True)
    max_supply = models.FloatField(null=True)
    as_of = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"
        db_table = "peer_wide_coin"
        # Declared here, because a text field with `unique` or `db_index` gets a second index for LIKE.
        constraints = [models.UniqueConstraint(fields=["slug"], name="peer_wide_coin_slug")]
        indexes = [
            models.Index(fields=["symbol"], name="peer_wide_coin_symbol"),
            models.Index(fields=["market_cap"], name="peer_wide_coin_cap"),
            models.Index(fields=["volume_24h"], name="peer_wide_coin_volume"),
        ]

    def __str__(self) -> str:
        return self.slug


UPDATED = [field.name for field in WideCoin._meta.fields if field.name not in ("id", "slug")]


def create_table() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(WideCoin)


def upsert(pages: list[bytes]) -> int:
    """Bring the table up to date with pages of /coins/markets, in one transaction; how many coins they held."""
    coins = [coin(row) for page in pages for row in orjson.loads(page)]
    with transaction.atomic():
        WideCoin.objects.bulk_create(
            coins, batch_size=BATCH, update_conflicts=True, unique_fields=["slug"], update_fields=UPDATED
        )
    return len(coins)


def coin(row: dict) -> WideCoin:
    return WideCoin(
        slug=row["id"],
        symbol=row["symbol"].upper(),
        name=row["name"],
        image=row["image"],
        rank=row["market_cap_rank"],
        price=row["current_price"],
        market_cap=row["market_cap"],
        volume_24h=row["total_volume"],
        change_1h=row["price_change_percentage_1h_in_currency"],
        change_24h=row["price_change_percentage_24h_in_currency"],
        change_7d=row["price_change_percentage_7d_in_currency"],
        high_24h=row["high_24h"],
        low_24h=row["low_24h"],
        ath=row["ath"],
        ath_at=datetime.fromisoformat(row["ath_date"]),
        atl=row["atl"],
        atl_at=datetime.fromisoformat(row["atl_date"]),
        circulating_supply=row["circulating_supply"],
        total_supply=row["total_supply"],
        max_supply=row["max_supply"],
        as_of=datetime.fromisoformat(row["last_updated"]),
    )
