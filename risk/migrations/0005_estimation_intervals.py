from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0003_news_and_indicators"),
        ("risk", "0004_outcomes_are_counted"),
    ]

    operations = [
        migrations.AddField(
            model_name="riskscore",
            name="estimate_basis",
            field=models.CharField(
                blank=True,
                choices=[("fitted", "Fitted"), ("pooled", "Pooled"), ("no_dynamics", "No Dynamics")],
                default="",
                help_text="Whose dynamics the intervals of the estimate were simulated with; empty: nobody asked.",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="riskscore",
            name="estimate_high_80",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="riskscore",
            name="estimate_high_90",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="riskscore",
            name="estimate_low_80",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="riskscore",
            name="estimate_low_90",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="riskscore",
            name="measurements",
            field=models.JSONField(
                default=list,
                help_text='[{"name", "component", "value", "unit", "standard_error", "n", "percentile"}]; null: not known.',
            ),
        ),
        migrations.AddConstraint(
            model_name="riskscore",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("estimate_basis__in", ["fitted", "pooled"]),
                        ("estimate_high_80__isnull", False),
                        ("estimate_high_90__isnull", False),
                        ("estimate_low_80__isnull", False),
                        ("estimate_low_90__isnull", False),
                        ("status", "ok"),
                    ),
                    models.Q(
                        ("estimate_basis__in", ["", "no_dynamics"]),
                        ("estimate_high_80__isnull", True),
                        ("estimate_high_90__isnull", True),
                        ("estimate_low_80__isnull", True),
                        ("estimate_low_90__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="risk_score_estimation_where_known",
            ),
        ),
    ]
