import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_job_leases"),
    ]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "organ",
                    models.CharField(
                        choices=[
                            ("beat", "the scheduler that sends"),
                            ("waiting_beat", "a scheduler that waits to take over"),
                            ("watch", "the look at everything that operators must know about"),
                            ("canary", "this queue has been asked since then"),
                            ("queue", "a worker answered for this queue"),
                        ],
                        max_length=16,
                    ),
                ),
                ("queue", models.CharField(blank=True, help_text="Of a canary and of its answer.", max_length=32)),
                (
                    "instance",
                    models.CharField(blank=True, help_text="The process, by name and machine.", max_length=200),
                ),
                ("beaten_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "workers and queues",
                "constraints": [
                    models.UniqueConstraint(fields=("organ", "queue", "instance"), name="heartbeat_one_per_process"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("organ__in", ["queue", "canary"]), models.Q(("queue", ""), _negated=True)),
                            models.Q(("organ__in", ["beat", "waiting_beat", "watch"]), ("queue", "")),
                            _connector="OR",
                        ),
                        name="heartbeat_queue_where_it_has_one",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="What is wrong, such as old_queue.", max_length=64)),
                (
                    "subject",
                    models.CharField(help_text="What it is wrong with, such as the name of the queue.", max_length=200),
                ),
                (
                    "severity",
                    models.CharField(choices=[("warning", "Warning"), ("critical", "Critical")], max_length=16),
                ),
                ("summary", models.CharField(max_length=500)),
                (
                    "details",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("opened_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acknowledged_incidents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("kind", "subject"),
                        name="incident_one_open_per_subject",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", ""), _negated=True), models.Q(("subject", ""), _negated=True)
                        ),
                        name="incident_is_about_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("severity__in", ["warning", "critical"])), name="incident_severity_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("last_seen_at__gte", models.F("opened_at")),
                            models.Q(
                                ("closed_at__isnull", True), ("closed_at__gte", models.F("opened_at")), _connector="OR"
                            ),
                        ),
                        name="incident_times_are_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("acknowledged_at__isnull", True), ("acknowledged_by__isnull", True)),
                            models.Q(("acknowledged_at__isnull", False), ("acknowledged_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="incident_acknowledged_by_somebody",
                    ),
                ],
            },
        ),
    ]
