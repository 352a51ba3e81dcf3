from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0006_scores_know_their_context"),
    ]

    operations = [
        migrations.AddField(
            model_name="backtest",
            name="days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Days that were forecast; empty: an earlier release did not count them.",
                null=True,
            ),
        ),
    ]
