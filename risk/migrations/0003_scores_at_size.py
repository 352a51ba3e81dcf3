import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0003_news_and_indicators"),
        ("risk", "0002_runs_know_what_finishes_them"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="riskscore",
            name="risk_score_ranking",
        ),
        migrations.AlterField(
            model_name="forecastoutcome",
            name="score",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="outcomes",
                to="risk.riskscore",
            ),
        ),
        migrations.AlterField(
            model_name="riskscore",
            name="asset",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="risk_scores",
                to="markets.asset",
            ),
        ),
        migrations.AlterField(
            model_name="riskscore",
            name="model",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="scores", to="risk.riskmodel"
            ),
        ),
        migrations.AlterField(
            model_name="riskscore",
            name="previous",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The score before it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="next",
                to="risk.riskscore",
            ),
        ),
        migrations.AlterField(
            model_name="riskscore",
            name="run",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="scores", to="risk.scorerun"
            ),
        ),
        migrations.AddIndex(
            model_name="riskscore",
            index=models.Index(
                condition=models.Q(("status__in", ["ok", "dead"])),
                fields=["asset", "model", "-as_of", "-id"],
                name="risk_score_last_scored",
            ),
        ),
        migrations.AddIndex(
            model_name="riskscore",
            index=models.Index(
                condition=models.Q(("is_pumped", True)), fields=["model", "as_of"], name="risk_score_pumped"
            ),
        ),
        migrations.AddIndex(
            model_name="riskscore",
            index=models.Index(fields=["-as_of", "-id"], name="risk_score_by_day"),
        ),
    ]
