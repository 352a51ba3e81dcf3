from datetime import datetime
from typing import Self

from django.db import models
from django.db.models.functions import Now

from markets.freshness import BROAD_FRESH_FOR, TOP_FRESH_FOR, TOP_RANK


class Category(models.Model):
    """A group of assets as the providers name it, for example `layer-1`."""

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["slug"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class AssetQuerySet(models.QuerySet["Asset"]):
    def listed(self) -> Self:
        return self.filter(is_active=True)

    def named(self, key: str) -> Self:
        """Assets whose slug or symbol is `key`, whatever its case; symbols are not unique."""
        return self.filter(models.Q(slug=key.lower()) | models.Q(symbol=key.upper()))

    def fresh(self, at: datetime) -> Self:
        """Assets whose quote is not stale at that moment, as `markets.freshness` says it."""
        is_top = models.Q(quote__rank__isnull=False, quote__rank__lte=TOP_RANK)
        return self.filter(
            ~is_top | models.Q(quote__as_of__gt=at - TOP_FRESH_FOR), quote__as_of__gt=at - BROAD_FRESH_FOR
        )

    def stale(self, at: datetime) -> Self:
        """All the others: those whose quote is too old, and those without a quote."""
        return self.exclude(pk__in=self.model.objects.fresh(at))


class Asset(models.Model):
    """A cryptocurrency. The slug is its stable identity; several assets may share a symbol."""

    id = models.AutoField(primary_key=True)
    slug = models.CharField(max_length=120, unique=True)
    symbol = models.CharField(max_length=50, db_index=True, help_text="Upper case; not unique.")
    name = models.CharField(max_length=200)
    # Case-folded in Python, so that the in-memory board and SQL sort and search by the same text.
    name_key = models.CharField(max_length=600, editable=False)
    search_key = models.CharField(max_length=900, editable=False)
    description = models.TextField(blank=True, default="")
    website = models.URLField(max_length=500, blank=True, default="")
    image = models.URLField(max_length=500, blank=True, default="")
    categories = models.ManyToManyField(Category, related_name="assets", blank=True)
    is_active = models.BooleanField(default=True, help_text="Inactive assets keep their history but are not listed.")
    bars_from = models.DateField(null=True, blank=True, editable=False)
    bars_to = models.DateField(null=True, blank=True, editable=False)
    described_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AssetQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(symbol=models.functions.Upper("symbol")), name="asset_symbol_upper"
            ),
            models.CheckConstraint(condition=~models.Q(slug=""), name="asset_slug_not_empty"),
        ]
        # The few that are not listed, for lists that filter by numbers alone.
        indexes = [models.Index(fields=["id"], condition=models.Q(is_active=False), name="asset_not_listed")]

    def __str__(self) -> str:
        return f"{self.symbol} ({self.slug})"

    def save(self, *args: object, **kwargs: object) -> None:
        self.set_keys()
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # passed through untouched

    def set_keys(self) -> None:
        """Derive what sort and search compare; bulk writes, which bypass `save`, call it themselves."""
        self.name_key = self.name.casefold()
        self.search_key = f"{self.name_key}\n{self.slug}\n{self.symbol.casefold()}"


class ExternalId(models.Model):
    """What a provider calls an asset."""

    source = models.ForeignKey("markets.Source", on_delete=models.PROTECT, related_name="external_ids")
    external_id = models.CharField(max_length=200)
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="external_ids")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="external_id_once_per_source"),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"
