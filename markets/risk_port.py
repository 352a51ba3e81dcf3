"""The port through which a higher app shows the risk of each asset in lists, rankings and details.

The market knows no model of risk. At start-up the roof says where the latest verdicts are found: an SQL relation with
the columns below and at most one row an asset. Whoever changes what it holds counts a change of the market
(`market.touch`).
"""

COLUMNS = {
    "asset_id": "integer",
    "score": "double precision",
    "percentile": "double precision",
    "band": "text",
    "as_of": "date",
    "status": "text",
    "fresh_until": "timestamptz",
}
"""`status` says why there is no score where there is none; `fresh_until` is when the verdict turns stale."""

NOT_SCORED = "not_scored"
"""The status of an asset of which the relation knows nothing."""

_NOTHING = f"(SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in COLUMNS.items())} WHERE false)"


class Port:
    """Where the verdicts are; nowhere until somebody offers them."""

    def __init__(self) -> None:
        self._relation = _NOTHING

    @property
    def relation(self) -> str:
        """The SQL that stands after FROM or JOIN."""
        return self._relation

    def offer(self, relation: str) -> None:
        """Take the verdicts from here: SQL of the code, never of a user."""
        self._relation = relation

    def close(self) -> None:
        """Show no risk any more."""
        self._relation = _NOTHING


PORT = Port()
