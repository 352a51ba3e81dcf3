import django.db.models.deletion
from django.db import migrations, models

COUNT_WHAT_IS_THERE = """
INSERT INTO risk_calibrationday (model_id, as_of, horizon, level, bucket, size, hits, beyond, comparable, width)
SELECT score.model_id, score.as_of, o.horizon, o.level, score.bucket, count(*),
    count(*) FILTER (WHERE coalesce(o.is_exceeded, o.is_inside)),
    coalesce(sum(-o.realised_return / o.expected_shortfall) FILTER (WHERE o.is_exceeded AND o.expected_shortfall > 0), 0),
    count(*) FILTER (WHERE o.expected_shortfall > 0),
    sum(CASE o.level WHEN 0.8 THEN score.score_high_80 - score.score_low_80
        WHEN 0.9 THEN score.score_high_90 - score.score_low_90 END) FILTER (WHERE o.is_inside IS NOT NULL)
FROM risk_forecastoutcome o JOIN risk_riskscore score ON score.id = o.score_id GROUP BY 1, 2, 3, 4, 5
"""


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0003_scores_at_size"),
    ]

    operations = [
        migrations.CreateModel(
            name="CalibrationDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("as_of", models.DateField(help_text="Of the scores.")),
                ("horizon", models.CharField(choices=[("day", "Day"), ("month", "Month")], max_length=8)),
                ("level", models.FloatField()),
                ("bucket", models.CharField(blank=True, default="", max_length=32)),
                ("size", models.PositiveIntegerField(help_text="Outcomes.")),
                (
                    "hits",
                    models.PositiveIntegerField(
                        help_text="Losses beyond the value at risk, or risks inside the interval."
                    ),
                ),
                (
                    "beyond",
                    models.FloatField(
                        help_text="Sum of losses beyond the value at risk, as multiples of the shortfall."
                    ),
                ),
                (
                    "comparable",
                    models.PositiveIntegerField(
                        help_text="Outcomes whose shortfall was above zero: a price that never fell has none to compare a"
                        " loss with."
                    ),
                ),
                (
                    "width",
                    models.FloatField(
                        blank=True, help_text="Sum of the widths of the intervals, in points.", null=True
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="risk.riskmodel",
                    ),
                ),
            ],
            options={
                "ordering": ["model", "-as_of", "horizon", "level", "bucket"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model", "as_of", "horizon", "level", "bucket"), name="calibration_day_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hits__lte", models.F("size"))),
                        name="calibration_day_no_more_hits_than_outcomes",
                    ),
                ],
            },
        ),
        migrations.RunSQL(COUNT_WHAT_IS_THERE, migrations.RunSQL.noop),
    ]
