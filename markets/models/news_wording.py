from django.db import models


class NewsWording(models.Model):
    """Words that a headline had until its feed rewrote it, whom they named, and what each scorer made of them.

    At any earlier moment the item said what the wording says that was replaced next; where none was, what it says now.
    """

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey("markets.NewsItem", on_delete=models.CASCADE, related_name="wordings")
    title = models.CharField(max_length=500)
    summary = models.TextField(blank=True, default="")
    # Neither is asked for by itself: a reader takes the wording and looks into it.
    asset_ids = models.JSONField(default=list, help_text="Of the assets that the words were about.")
    scores = models.JSONField(default=dict, help_text='By version of the scorer: {"tone", "events", "scored_at"}.')
    replaced_at = models.DateTimeField(help_text="When we saw that other words stand.")

    class Meta:
        ordering = ["-replaced_at", "-id"]
        indexes = [models.Index(fields=["replaced_at"], name="news_wording_replaced")]

    def __str__(self) -> str:
        return self.title
