"""The newest verdict on each asset, as the market's port shows it."""

from risk.freshness import FRESH_UNTIL

_RUN = (
    "SELECT run.id FROM risk_scorerun run JOIN risk_riskmodel model ON model.id = run.model_id AND model.is_headline"
    " WHERE run.state = 'finished' ORDER BY run.as_of DESC, run.id DESC LIMIT 1"
)

RELATION = (
    "(SELECT score.asset_id, score.score, score.percentile, score.band, score.as_of, score.status,"  # noqa: S608  # literal columns
    f" {FRESH_UNTIL} AS fresh_until"
    f" FROM risk_riskscore score WHERE score.run_id = ({_RUN}))"
)
"""The rows of the last finished run of the model in charge; for `markets.risk_port`."""
