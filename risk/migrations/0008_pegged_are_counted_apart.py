from django.db import migrations

COUNTED = """
INSERT INTO risk_calibrationday (model_id, as_of, horizon, level, bucket, size, hits, beyond, comparable, width)
SELECT score.model_id, score.as_of, o.horizon, o.level, {bucket}, count(*),
    count(*) FILTER (WHERE coalesce(o.is_exceeded, o.is_inside)),
    coalesce(sum(-o.realised_return / o.expected_shortfall) FILTER (WHERE o.is_exceeded AND o.expected_shortfall > 0), 0),
    count(*) FILTER (WHERE o.expected_shortfall > 0),
    sum(CASE o.level WHEN 0.8 THEN score.score_high_80 - score.score_low_80
        WHEN 0.9 THEN score.score_high_90 - score.score_low_90 END) FILTER (WHERE o.is_inside IS NOT NULL)
FROM risk_forecastoutcome o JOIN risk_riskscore score ON score.id = o.score_id GROUP BY 1, 2, 3, 4, 5
"""
# Counts are derived, so they are made anew of the outcomes, which stay as they are; nobody adds one meanwhile.
ANEW = [
    "LOCK TABLE risk_forecastoutcome, risk_calibrationday IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM risk_calibrationday",
]
APART = "CASE WHEN score.is_stablecoin THEN 'pegged' ELSE score.bucket END"


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0007_backtests_count_their_days"),
    ]

    operations = [
        migrations.RunSQL(
            [*ANEW, COUNTED.format(bucket=APART)],
            [*ANEW, COUNTED.format(bucket="score.bucket")],
        ),
    ]
