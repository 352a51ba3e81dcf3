import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_audit_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotentAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("method", models.CharField(max_length=8)),
                ("path", models.CharField(max_length=500)),
                ("key", models.CharField(max_length=255)),
                ("request_digest", models.BinaryField(help_text="SHA-256 of query and body.", max_length=32)),
                ("status", models.PositiveSmallIntegerField()),
                ("headers", models.JSONField(blank=True, default=dict)),
                ("body", models.BinaryField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "default_permissions": (),
            },
        ),
        migrations.RemoveConstraint(
            model_name="job",
            name="job_finished_at_when_finished",
        ),
        migrations.RemoveConstraint(
            model_name="job",
            name="job_failure_has_a_code",
        ),
        migrations.RemoveIndex(
            model_name="job",
            name="job_unfinished",
        ),
        # Nobody can tell whether their workers still live; what they left is done again.
        migrations.RunSQL("UPDATE accounts_job SET state = 'retrying' WHERE state = 'running'", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="job",
            name="cancel_requested_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="heartbeat_at",
            field=models.DateTimeField(blank=True, help_text="When that process last said that it lives.", null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="lease_until",
            field=models.DateTimeField(blank=True, help_text="Until then it is nobody else's.", null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="published_at",
            field=models.DateTimeField(
                blank=True,
                db_default=django.db.models.functions.datetime.Now(),
                help_text="When the workers were last told; empty: they do not know.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="run_after",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="Not started before; its waiting counts from here.",
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="worker",
            field=models.CharField(
                blank=True, help_text="The process that performs the latest attempt.", max_length=255
            ),
        ),
        migrations.AlterField(
            model_name="job",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("retrying", "Retrying"),
                    ("succeeded", "Succeeded"),
                    ("failed", "Failed"),
                    ("dead", "Dead"),
                    ("cancelled", "Cancelled"),
                ],
                default="queued",
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "retrying"])),
                fields=["queue", "run_after", "id"],
                name="job_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(condition=models.Q(("state", "running")), fields=["lease_until"], name="job_leased"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)), fields=["finished_at"], name="job_finished"
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("heartbeat_at__isnull", False),
                        ("lease_until__isnull", False),
                        ("state", "running"),
                        models.Q(("worker", ""), _negated=True),
                    ),
                    models.Q(models.Q(("state", "running"), _negated=True), ("lease_until__isnull", True)),
                    _connector="OR",
                ),
                name="job_leased_while_running",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("finished_at__isnull", False), ("state__in", ["succeeded", "failed", "dead", "cancelled"])
                    ),
                    models.Q(("finished_at__isnull", True), ("state__in", ["queued", "running", "retrying"])),
                    _connector="OR",
                ),
                name="job_finished_at_when_finished",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["failed", "dead"]), _negated=True),
                    models.Q(("error_code", ""), _negated=True),
                    _connector="OR",
                ),
                name="job_failure_has_a_code",
            ),
        ),
        migrations.AddField(
            model_name="idempotentanswer",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="idempotentanswer",
            index=models.Index(fields=["created_at"], name="idempotent_answer_by_time"),
        ),
        migrations.AddConstraint(
            model_name="idempotentanswer",
            constraint=models.UniqueConstraint(fields=("user", "method", "path", "key"), name="idempotent_answer_once"),
        ),
        migrations.AddConstraint(
            model_name="idempotentanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("key", ""), _negated=True), name="idempotent_answer_key_is_given"
            ),
        ),
    ]
