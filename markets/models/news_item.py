from typing import Self

from django.db import models


class NewsItemQuerySet(models.QuerySet["NewsItem"]):
    def unscored(self, model_version: str) -> Self:
        """Items that this version of the scorer has not judged yet."""
        return self.exclude(scores__model_version=model_version)


class NewsItem(models.Model):
    """A headline with its summary as plain text; the article itself stays with its publisher, at `url`."""

    id = models.BigAutoField(primary_key=True)
    feed = models.ForeignKey("markets.NewsFeed", on_delete=models.PROTECT, related_name="items")
    guid = models.CharField(max_length=500, help_text="What the feed calls it.")
    url = models.URLField(max_length=1_000, unique=True, help_text="Canonical: without what only tracks the reader.")
    title = models.CharField(max_length=500)
    summary = models.TextField(blank=True, default="")
    language = models.CharField(max_length=16, blank=True, default="", help_text="As the feed says; empty: unknown.")
    published_at = models.DateTimeField(help_text="As the feed says.")
    fetched_at = models.DateTimeField(help_text="When we first saw it.")
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of title and summary.")
    assets = models.ManyToManyField("markets.Asset", through="markets.NewsMention", related_name="news")

    objects = NewsItemQuerySet.as_manager()

    class Meta:
        ordering = ["-published_at", "-id"]
        indexes = [models.Index(fields=["-published_at", "-id"], name="news_newest")]
        constraints = [
            models.UniqueConstraint(fields=["feed", "guid"], name="news_once_per_feed_and_guid"),
            models.CheckConstraint(condition=~models.Q(title=""), name="news_title_not_empty"),
        ]

    def __str__(self) -> str:
        return self.title


class NewsMention(models.Model):
    """An item is about an asset, and by which of its names we know."""

    class MatchedBy(models.TextChoices):
        NAME = "name"
        TICKER = "ticker"
        CASHTAG = "cashtag"

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(NewsItem, on_delete=models.CASCADE, related_name="mentions")
    asset = models.ForeignKey("markets.Asset", on_delete=models.CASCADE, related_name="mentions")
    matched_by = models.CharField(max_length=16, choices=MatchedBy)
    term = models.CharField(max_length=200, help_text="The words of the text that named it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "asset"], name="mention_once_per_item_and_asset")]

    def __str__(self) -> str:
        return f"{self.asset} by {self.matched_by}"
