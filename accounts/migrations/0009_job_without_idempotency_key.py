"""The key of a request is kept with its answer (`IdempotentAnswer`), for every kind of request; jobs never used theirs."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_risk_read_scope")]

    operations = [
        migrations.RemoveConstraint(model_name="job", name="job_one_per_idempotency_key"),
        migrations.RemoveConstraint(model_name="job", name="job_idempotency_key_is_not_empty"),
        migrations.RemoveField(model_name="job", name="idempotency_key"),
    ]
