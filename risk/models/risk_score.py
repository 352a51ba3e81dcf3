from typing import Any, Self

from django.db import models

_INTERVALS = tuple(
    f"{what}_{end}_{coverage}" for what in ("score", "percentile") for coverage in (80, 90) for end in ("low", "high")
)

_ESTIMATES = tuple(f"estimate_{end}_{coverage}" for coverage in (80, 90) for end in ("low", "high"))


class RiskScoreQuerySet(models.QuerySet["RiskScore"]):
    def scored(self) -> Self:
        """Those that carry a score."""
        return self.filter(status__in=RiskScore.SCORED)

    def narrow(self) -> Self:
        """Without what explains each of them, which is most of a row and told of one score at a time."""
        return self.defer("contributions", "delta_by_component", "measurements", "tail", "confidence_reasons")

    def of_headline(self) -> Self:
        return self.filter(model__is_headline=True)


class RiskScore(models.Model):
    """How risky a model found an asset as of a day's close, and why; or why it could not say. Append-only.

    A row without a score holds no number that stands for one. The dead have 100 by rule, which is no forecast and has
    no interval. `contributions` are points by cause and add up to the score.
    """

    class Status(models.TextChoices):
        OK = "ok"
        DEAD = "dead"
        INSUFFICIENT_HISTORY = "insufficient_history"
        HISTORY_ENDED = "history_ended"
        NO_HISTORY = "no_history"
        NOT_MEASURABLE = "not_measurable"
        NO_MODEL = "no_model"
        FAILED = "failed"

    SCORED = (Status.OK, Status.DEAD)

    class Band(models.TextChoices):
        LOW = "low"
        MODERATE = "moderate"
        HIGH = "high"
        VERY_HIGH = "very_high"
        EXTREME = "extreme"

    class Confidence(models.TextChoices):
        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    class Basis(models.TextChoices):
        """Whose dynamics say how far the score's estimate may be wrong."""

        FITTED = "fitted"
        POOLED = "pooled"
        NO_DYNAMICS = "no_dynamics"

    ESTIMATED = (Basis.FITTED, Basis.POOLED)

    id = models.BigAutoField(primary_key=True)
    # Without a constraint: whoever clears a simulated market must not have to touch results, which stay as they are.
    asset = models.ForeignKey(
        "markets.Asset", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="risk_scores"
    )
    # Indexes of their own would only repeat the beginnings of those below; models and earlier scores are never deleted.
    model = models.ForeignKey("risk.RiskModel", on_delete=models.PROTECT, db_index=False, related_name="scores")
    run = models.ForeignKey("risk.ScoreRun", on_delete=models.PROTECT, db_index=False, related_name="scores")
    as_of = models.DateField(help_text="Data through the close of this UTC day.")
    status = models.CharField(max_length=24, choices=Status)
    reason = models.TextField(blank=True, default="", help_text="Why there is no score, or why it is a rule's.")
    score = models.FloatField(null=True, blank=True)
    percentile = models.FloatField(null=True, blank=True, help_text="Among all that have a score of the day.")
    band = models.CharField(max_length=16, choices=Band, blank=True, default="")
    score_low_80 = models.FloatField(null=True, blank=True)
    score_high_80 = models.FloatField(null=True, blank=True)
    score_low_90 = models.FloatField(null=True, blank=True)
    score_high_90 = models.FloatField(null=True, blank=True)
    percentile_low_80 = models.FloatField(null=True, blank=True)
    percentile_high_80 = models.FloatField(null=True, blank=True)
    percentile_low_90 = models.FloatField(null=True, blank=True)
    percentile_high_90 = models.FloatField(null=True, blank=True)
    estimate_low_80 = models.FloatField(null=True, blank=True)
    estimate_high_80 = models.FloatField(null=True, blank=True)
    estimate_low_90 = models.FloatField(null=True, blank=True)
    estimate_high_90 = models.FloatField(null=True, blank=True)
    estimate_basis = models.CharField(
        max_length=16,
        choices=Basis,
        blank=True,
        default="",
        help_text="Whose dynamics the intervals of the estimate were simulated with; empty: nobody asked.",
    )
    sigma = models.FloatField(
        null=True, blank=True, help_text="The annualised volatility that is forecast for the next 30 days."
    )
    bucket = models.CharField(
        max_length=32,
        blank=True,
        default="",
        help_text="Size and length of history, by which intervals are calibrated.",
    )
    confidence = models.CharField(max_length=8, choices=Confidence, blank=True, default="")
    confidence_reasons = models.JSONField(default=list, help_text="What lowers the confidence.")
    contributions = models.JSONField(default=list, help_text='[{"component", "points"}]; they add up to the score.')
    delta = models.FloatField(null=True, blank=True, help_text="Of the score since the previous one.")
    delta_by_component = models.JSONField(default=list, help_text='[{"component", "points"}]')
    measurements = models.JSONField(
        default=list,
        help_text='[{"name", "component", "value", "unit", "standard_error", "n", "percentile"}]; null: not known.',
    )
    tail = models.JSONField(
        default=list,
        help_text='[{"level", "horizon_days", "value_at_risk", "value_at_risk_error", "expected_shortfall",'
        ' "expected_shortfall_error", "unit", "method", "n"}]; losses are positive, errors are standard errors in the'
        " same unit, null where they are not known.",
    )
    is_stablecoin = models.BooleanField(default=False)
    is_pumped = models.BooleanField(default=False)
    is_stale = models.BooleanField(default=False)
    bad_prints = models.PositiveIntegerField(default=0, help_text="Prices that were not believed.")
    data_from = models.DateField(null=True, blank=True)
    data_to = models.DateField(null=True, blank=True)
    observations = models.PositiveIntegerField(default=0, help_text="Days with a price that is believed.")
    input_hash = models.CharField(max_length=64, help_text="SHA-256 of the prices that were calculated from.")
    context_hash = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="Of what else was: news, wrapping, the score before, the fit, 64 bits of a SHA-256 each.",
    )
    seed = models.CharField(max_length=16, help_text="Hexadecimal: 64 bits of random streams of this row.")
    previous = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="next",
        help_text="The score before it.",
    )
    calculated_at = models.DateTimeField()

    objects = RiskScoreQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "-id"]
        indexes = [
            models.Index(fields=["asset", "model", "-as_of", "-id"], name="risk_score_of_asset"),
            # What a run asks of those before it: without the rows that carry no score, however many they are.
            models.Index(
                fields=["asset", "model", "-as_of", "-id"],
                condition=models.Q(status__in=["ok", "dead"]),
                name="risk_score_last_scored",
            ),
            models.Index(fields=["model", "as_of"], condition=models.Q(is_pumped=True), name="risk_score_pumped"),
            models.Index(fields=["-as_of", "-id"], name="risk_score_by_day"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["run", "asset"], name="risk_score_once_per_run"),
            models.CheckConstraint(
                condition=models.Q(
                    ~models.Q(band=""),
                    status__in=["ok", "dead"],
                    score__range=(0, 100),
                    percentile__range=(0, 100),
                )
                | models.Q(
                    status__in=[
                        "insufficient_history",
                        "history_ended",
                        "no_history",
                        "not_measurable",
                        "no_model",
                        "failed",
                    ],
                    score__isnull=True,
                    percentile__isnull=True,
                    band="",
                ),
                name="risk_score_only_where_there_is_one",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    ~models.Q(confidence=""),
                    status="ok",
                    sigma__isnull=False,
                    **{f"{name}__isnull": False for name in _INTERVALS},
                )
                | models.Q(
                    ~models.Q(status="ok"),
                    confidence="",
                    sigma__isnull=True,
                    **{f"{name}__isnull": True for name in _INTERVALS},
                ),
                name="risk_score_intervals_when_forecast",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    estimate_basis__in=["fitted", "pooled"],
                    status="ok",
                    **{f"{name}__isnull": False for name in _ESTIMATES},
                )
                | models.Q(
                    estimate_basis__in=["", "no_dynamics"],
                    **{f"{name}__isnull": True for name in _ESTIMATES},
                ),
                name="risk_score_estimation_where_known",
            ),
            models.CheckConstraint(
                condition=models.Q(status="ok") | ~models.Q(reason=""), name="risk_score_says_why_not"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} as of {self.as_of}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the news of the seven days before it told of: kind, number of items, and id and address of some."""
        return [event for entry in self.measurements for event in entry.get("events", [])]

    @property
    def is_estimated(self) -> bool:
        """Whether it is known how far the score itself may be wrong."""
        return self.estimate_basis in self.ESTIMATED
