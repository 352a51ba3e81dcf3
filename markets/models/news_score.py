from django.db import models


class NewsScore(models.Model):
    """What one version of the scorer made of an item; another version adds a row."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey("markets.NewsItem", on_delete=models.CASCADE, related_name="scores")
    model_version = models.CharField(max_length=64)
    tone = models.FloatField(help_text="From -1, bad, to 1, good.")
    negativity = models.FloatField(help_text="From 0 to 1: how bad the bad in it is, whatever good stands beside it.")
    confidence = models.FloatField(
        help_text="From 0 to 1: how much the words that were found say, and how unanimously."
    )
    events = models.JSONField(default=list, help_text="Kinds of events that the text asserts.")
    possible_events = models.JSONField(default=list, help_text="Kinds of events that it only speaks of as possible.")
    scored_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "model_version"], name="news_score_once_per_version"),
            models.CheckConstraint(
                condition=models.Q(tone__range=(-1, 1), negativity__range=(0, 1), confidence__range=(0, 1)),
                name="news_score_possible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tone:+.2f} by {self.model_version}"
