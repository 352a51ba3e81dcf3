"""The tables of the markets app."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyBar",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "asset_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("open", models.FloatField(help_text="USD", null=True)),
                ("high", models.FloatField(help_text="USD", null=True)),
                ("low", models.FloatField(help_text="USD", null=True)),
                ("close", models.FloatField(help_text="USD")),
                ("volume", models.FloatField(help_text="USD", null=True)),
                ("market_cap", models.FloatField(help_text="USD", null=True)),
                ("quality", models.SmallIntegerField(default=0)),
            ],
            options={
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "asset_id", "at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("price", models.FloatField(help_text="USD", null=True)),
                ("market_cap", models.FloatField(help_text="USD", null=True)),
                ("volume", models.FloatField(help_text="USD, of the 24 hours before", null=True)),
            ],
            options={
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=100, unique=True)),
                ("name", models.CharField(max_length=100)),
            ],
            options={
                "verbose_name_plural": "categories",
                "ordering": ["slug"],
            },
        ),
        migrations.CreateModel(
            name="ProviderState",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("is_enabled", models.BooleanField(default=True)),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                ("last_failure_at", models.DateTimeField(blank=True, null=True)),
                ("last_error_code", models.CharField(blank=True, default="", max_length=64)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                ("consecutive_failures", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "provider",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="RawAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sha256", models.BinaryField(max_length=32, unique=True)),
                ("provider", models.CharField(max_length=64)),
                ("endpoint", models.CharField(max_length=200)),
                ("received_at", models.DateTimeField(db_index=True)),
                ("body_zstd", models.BinaryField(help_text="Zstandard-compressed")),
                ("size", models.PositiveIntegerField(help_text="bytes before compression")),
            ],
            options={
                "ordering": ["-received_at"],
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.SmallAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=64, unique=True)),
                (
                    "is_simulated",
                    models.BooleanField(default=False, help_text="Its numbers are invented for demonstration."),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Asset",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("slug", models.CharField(max_length=120, unique=True)),
                ("symbol", models.CharField(db_index=True, help_text="Upper case; not unique.", max_length=50)),
                ("name", models.CharField(max_length=200)),
                ("name_key", models.CharField(editable=False, max_length=600)),
                ("search_key", models.CharField(editable=False, max_length=900)),
                ("description", models.TextField(blank=True, default="")),
                ("website", models.URLField(blank=True, default="", max_length=500)),
                ("image", models.URLField(blank=True, default="", max_length=500)),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Inactive assets keep their history but are not listed."
                    ),
                ),
                ("bars_from", models.DateField(blank=True, editable=False, null=True)),
                ("bars_to", models.DateField(blank=True, editable=False, null=True)),
                ("described_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("categories", models.ManyToManyField(blank=True, related_name="assets", to="markets.category")),
            ],
            options={
                "ordering": ["slug"],
            },
        ),
        migrations.CreateModel(
            name="Market",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("data_version", models.BigIntegerField(default=0)),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "simulation",
                    models.JSONField(
                        blank=True,
                        help_text="What the invented prices of this market are made from; empty for a real market.",
                        null=True,
                    ),
                ),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="market_is_one_row")],
            },
        ),
        migrations.CreateModel(
            name="PriceBlock",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "asset_id", "year", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("year", models.SmallIntegerField()),
                ("row_count", models.SmallIntegerField()),
                ("checksum", models.BigIntegerField()),
                ("close", models.BinaryField()),
                ("volume", models.BinaryField()),
                ("market_cap", models.BinaryField()),
                ("ranges", models.BinaryField()),
                ("sources", models.BinaryField()),
                ("quality", models.BinaryField()),
                (
                    "asset",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="blocks",
                        to="markets.asset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PriceOverride",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("price", models.FloatField(help_text="USD")),
                ("reason", models.CharField(max_length=500)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="price_overrides", to="markets.asset"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ExternalId",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=200)),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="external_ids", to="markets.asset"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="external_ids", to="markets.source"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("succeeded", "Succeeded"), ("failed", "Failed")],
                        default="running",
                        max_length=16,
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        help_text="Who answered; while running and after a failure, who was asked last.", max_length=64
                    ),
                ),
                ("limit", models.PositiveIntegerField(help_text="How many assets were asked for.")),
                ("job_id", models.UUIDField(blank=True, help_text="The job that asked for it, if one did.", null=True)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("received", models.PositiveIntegerField(default=0)),
                ("inserted", models.PositiveIntegerField(default=0)),
                ("updated", models.PositiveIntegerField(default=0)),
                ("unchanged", models.PositiveIntegerField(default=0)),
                ("quarantined", models.PositiveIntegerField(default=0)),
                ("error_code", models.CharField(blank=True, default="", max_length=64)),
                (
                    "error",
                    models.TextField(blank=True, default="", help_text="What each provider answered that failed."),
                ),
            ],
            options={
                "ordering": ["-started_at", "-id"],
                "indexes": [models.Index(fields=["-started_at"], name="sync_run_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "received",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("inserted"), "+", models.F("updated")
                                        ),
                                        "+",
                                        models.F("unchanged"),
                                    ),
                                    "+",
                                    models.F("quarantined"),
                                ),
                            )
                        ),
                        name="sync_run_counts_add_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("state", "running")),
                            models.Q(models.Q(("state", "running"), _negated=True), ("finished_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="sync_run_finished_when_over",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QuarantinedRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("accepted", "Accepted"), ("dismissed", "Dismissed")],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("provider", models.CharField(max_length=64)),
                ("external_id", models.CharField(blank=True, default="", max_length=200)),
                ("reason", models.CharField(db_index=True, max_length=40)),
                ("detail", models.CharField(blank=True, default="", max_length=500)),
                ("raw", models.TextField(blank=True, default="", help_text="The row as it came, at most 4 kB.")),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("times_seen", models.PositiveIntegerField(default=1)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="quarantined_records",
                        to="markets.syncrun",
                    ),
                ),
            ],
            options={
                "ordering": ["-last_seen_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Divergence",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("observed_at", models.DateTimeField(db_index=True)),
                ("provider", models.CharField(max_length=64)),
                ("price", models.FloatField(help_text="USD, as the first provider says")),
                ("other_provider", models.CharField(max_length=64)),
                ("other_price", models.FloatField(help_text="USD, as the second provider says")),
                ("deviation", models.FloatField(help_text="per cent of the smaller price")),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="divergences", to="markets.asset"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="divergences", to="markets.syncrun"
                    ),
                ),
            ],
            options={
                "ordering": ["-observed_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Quote",
            fields=[
                (
                    "asset",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="quote",
                        serialize=False,
                        to="markets.asset",
                    ),
                ),
                ("as_of", models.DateTimeField(help_text="When the source says the price held.")),
                ("received_at", models.DateTimeField()),
                ("rank", models.IntegerField(blank=True, null=True)),
                ("price", models.FloatField(blank=True, help_text="USD", null=True)),
                ("market_cap", models.FloatField(blank=True, help_text="USD", null=True)),
                ("volume_24h", models.FloatField(blank=True, help_text="USD", null=True)),
                ("change_1h", models.FloatField(blank=True, help_text="per cent", null=True)),
                ("change_24h", models.FloatField(blank=True, help_text="per cent", null=True)),
                ("change_7d", models.FloatField(blank=True, help_text="per cent", null=True)),
                ("high_24h", models.FloatField(blank=True, help_text="USD", null=True)),
                ("low_24h", models.FloatField(blank=True, help_text="USD", null=True)),
                ("ath", models.FloatField(blank=True, help_text="USD", null=True, verbose_name="all-time high")),
                ("ath_at", models.DateTimeField(blank=True, null=True)),
                ("atl", models.FloatField(blank=True, help_text="USD", null=True, verbose_name="all-time low")),
                ("atl_at", models.DateTimeField(blank=True, null=True)),
                ("circulating_supply", models.FloatField(blank=True, null=True)),
                ("total_supply", models.FloatField(blank=True, null=True)),
                ("max_supply", models.FloatField(blank=True, null=True)),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="markets.source",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.CheckConstraint(
                condition=models.Q(("symbol", django.db.models.functions.text.Upper("symbol"))),
                name="asset_symbol_upper",
            ),
        ),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.CheckConstraint(
                condition=models.Q(("slug", ""), _negated=True), name="asset_slug_not_empty"
            ),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(condition=models.Q(("is_active", False)), fields=["id"], name="asset_not_listed"),
        ),
        migrations.AddConstraint(
            model_name="priceoverride",
            constraint=models.CheckConstraint(condition=models.Q(("price__gt", 0)), name="price_override_positive"),
        ),
        migrations.AddConstraint(
            model_name="priceoverride",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="price_override_ends"
            ),
        ),
        migrations.AddConstraint(
            model_name="externalid",
            constraint=models.UniqueConstraint(fields=("source", "external_id"), name="external_id_once_per_source"),
        ),
        migrations.AddIndex(
            model_name="quarantinedrecord",
            index=models.Index(fields=["state", "-last_seen_at"], name="quarantine_open_newest"),
        ),
        migrations.AddConstraint(
            model_name="quarantinedrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("provider", "external_id", "reason"),
                name="quarantine_one_open_per_row_and_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="quarantinedrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("state", "open")),
                    models.Q(models.Q(("state", "open"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="quarantine_decided_when_not_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="divergence",
            constraint=models.UniqueConstraint(
                fields=("run", "asset", "other_provider"), name="divergence_once_per_run"
            ),
        ),
    ]
