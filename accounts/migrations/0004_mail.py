import django.core.serializers.json
from django.db import migrations, models

import accounts.models.job


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sessions_keys_and_second_factor"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mail",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=accounts.models.job.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("recipient", models.EmailField(max_length=254)),
                ("template", models.CharField(help_text="Which of templates/mail is rendered.", max_length=64)),
                (
                    "context",
                    models.JSONField(
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        help_text="What is filled in; empty once forgotten.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField(help_text="While an attempt runs, when it counts as dead.")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("given_up_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up_at__isnull", True), ("sent_at__isnull", True)),
                        fields=["next_attempt_at"],
                        name="mail_pending",
                    ),
                    models.Index(fields=["-created_at"], name="mail_by_time"),
                    models.Index(
                        condition=models.Q(("context__isnull", False)), fields=["created_at"], name="mail_remembered"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("template", ""), _negated=True), name="mail_template_is_given"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("recipient", ""), _negated=True),
                            models.Q(("recipient__regex", "[\r\n]"), _negated=True),
                        ),
                        name="mail_recipient_is_one_line",
                    ),
                    models.CheckConstraint(condition=models.Q(("attempts__lte", 8)), name="mail_attempts_are_limited"),
                    models.CheckConstraint(
                        condition=models.Q(("sent_at__isnull", True), ("given_up_at__isnull", True), _connector="OR"),
                        name="mail_is_sent_or_given_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("given_up_at__isnull", True), ("sent_at__isnull", True)),
                            ("attempts__gte", 1),
                            _connector="OR",
                        ),
                        name="mail_is_settled_by_an_attempt",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("sent_at__isnull", False),
                            ("given_up_at__isnull", False),
                            ("context__isnull", False),
                            _connector="OR",
                        ),
                        name="mail_is_remembered_while_pending",
                    ),
                ],
            },
        ),
    ]
