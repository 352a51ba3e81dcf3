from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0008_pegged_are_counted_apart"),
    ]

    operations = [
        migrations.AlterField(
            model_name="riskscore",
            name="tail",
            field=models.JSONField(
                default=list,
                help_text='[{"level", "horizon_days", "value_at_risk", "value_at_risk_error", "expected_shortfall", "expected_shortfall_error", "unit", "method", "n"}]; losses are positive, errors are standard errors in the same unit, null where they are not known.',
            ),
        ),
    ]
