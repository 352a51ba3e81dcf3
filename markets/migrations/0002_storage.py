"""What Django cannot declare: partitioned tables, room for in-place updates, uncompressed vectors."""

from django.db import migrations

from config.kernel.partitions import CreatePartitionFunctions

# Eight-byte columns first would save nothing here: int4 + date already fill the first eight bytes.
CREATE_BARS = """
CREATE TABLE markets_dailybar (
    asset_id int4 NOT NULL,
    day date NOT NULL,
    open float8,
    high float8,
    low float8,
    close float8 NOT NULL CHECK (close > 0 AND close < 'Infinity'),
    volume float8,
    market_cap float8,
    source_id int2 NOT NULL,
    quality int2 NOT NULL DEFAULT 0,
    PRIMARY KEY (asset_id, day)
) PARTITION BY RANGE (day);
CREATE TABLE markets_dailybar_default PARTITION OF markets_dailybar DEFAULT;
"""

CREATE_SNAPSHOTS = """
CREATE TABLE markets_snapshot (
    asset_id int4 NOT NULL,
    at timestamptz NOT NULL,
    price float8 CHECK (price > 0 AND price < 'Infinity'),
    market_cap float8,
    volume float8,
    source_id int2 NOT NULL,
    PRIMARY KEY (asset_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE markets_snapshot_default PARTITION OF markets_snapshot DEFAULT;
"""

# A sync rewrites every quote in place: half of each page stays free, so that no index entry ever changes (HOT).
QUOTE_STORAGE = "ALTER TABLE markets_quote SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);"

# Vectors hardly compress and are read whole; what is smaller stays in the row.
BLOCK_STORAGE = "ALTER TABLE markets_priceblock SET (toast_tuple_target = 2800);" + "".join(
    f"ALTER TABLE markets_priceblock ALTER COLUMN {column} SET STORAGE EXTERNAL;"
    for column in ("close", "volume", "market_cap", "ranges", "sources", "quality")
)

QUOTE_CHECK = """
ALTER TABLE markets_quote ADD CONSTRAINT quote_price_possible CHECK (price > 0 AND price < 'Infinity');
"""


class Migration(migrations.Migration):
    dependencies = [("markets", "0001_markets")]

    operations = [
        CreatePartitionFunctions(),
        migrations.RunSQL(CREATE_BARS, "DROP TABLE markets_dailybar"),
        migrations.RunSQL(CREATE_SNAPSHOTS, "DROP TABLE markets_snapshot"),
        migrations.RunSQL(
            QUOTE_STORAGE, "ALTER TABLE markets_quote RESET (fillfactor, autovacuum_vacuum_scale_factor)"
        ),
        migrations.RunSQL(QUOTE_CHECK, "ALTER TABLE markets_quote DROP CONSTRAINT quote_price_possible"),
        migrations.RunSQL(BLOCK_STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL("INSERT INTO markets_market (id, data_version) VALUES (1, 0)", migrations.RunSQL.noop),
    ]
