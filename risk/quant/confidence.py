"""How far a score can be relied on, and what speaks against it."""

from collections.abc import Sequence

import numpy as np

from risk.quant.features import NAMES
from risk.quant.measurement import Measured
from risk.quant.universe import Facts

SHORT_HISTORY, SHORTEST_HISTORY = 250, 60


def doubts(found: Measured, facts: Facts, row: int, *, day: int) -> list[str]:
    """What lowers the confidence in an asset's score of a day, which is counted from 1970-01-01."""
    volume, cap = NAMES.index("illiquidity"), NAMES.index("smallness")
    reasons = {
        "stale_price": bool(found.is_stale[row]),
        "late_price": found.last_day[row] < day,
        "very_short_history": found.returns[row] < SHORTEST_HISTORY,
        "short_history": SHORTEST_HISTORY <= found.returns[row] < SHORT_HISTORY,
        "bad_prints": found.bad_prints[row] > 0,
        "library_fit": bool(found.is_given[row]),
        "volume_unknown": bool(np.isnan(found.values[row, volume])),
        "market_cap_unknown": bool(np.isnan(found.values[row, cap])),
        "news_unknown": bool(np.isnan(facts.news[row])),
    }
    return [name for name, applies in reasons.items() if applies]


def confidence(reasons: Sequence[str]) -> str:
    """High without doubts; low where the price is stale or the history very short; else medium."""
    if "stale_price" in reasons or "very_short_history" in reasons:
        return "low"
    return "medium" if reasons else "high"
