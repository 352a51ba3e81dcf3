from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("risk", "0001_risk_engine")]

    operations = [
        migrations.AddField(
            model_name="scorerun",
            name="finish_job_id",
            field=models.UUIDField(
                blank=True, help_text="The job that finishes it, once every chunk is there.", null=True
            ),
        ),
    ]
