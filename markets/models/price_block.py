from django.db import models

SLOTS = 366
"""Days in a block: slot 0 is 1 January; the last slot of a common year stays missing."""


class PriceBlock(models.Model):
    """One asset's year of daily bars as little-endian float64 vectors of 366 slots, NaN = missing.

    Derived from `DailyBar` in the same transaction, rebuilt by `manage.py rebuild_blocks`. Per slot, `ranges` holds
    a uint32 digest of open, high and low, by which a correction is noticed, `sources` an int16 and `quality` a uint8.
    `checksum` is the CRC-32 of the three vectors in column order.
    """

    pk = models.CompositePrimaryKey("asset_id", "year")
    asset = models.ForeignKey("markets.Asset", on_delete=models.DO_NOTHING, db_constraint=False, related_name="blocks")
    year = models.SmallIntegerField()
    row_count = models.SmallIntegerField()
    checksum = models.BigIntegerField()
    close = models.BinaryField()
    volume = models.BinaryField()
    market_cap = models.BinaryField()
    ranges = models.BinaryField()
    sources = models.BinaryField()
    quality = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.asset_id} {self.year}: {self.row_count} bars"
