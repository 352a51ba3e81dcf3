"""How turbulent the market is now, worked out from our own daily bars; nothing of it is stored as if observed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import numpy as np
from django.db.models import F

from markets import frames
from markets.freshness import BARS_FRESH_FOR
from markets.models import Asset
from markets.quant import volatility_regime
from markets.quant.volatility_regime import RegimeNow

LARGEST = 100
"""The index is made of so many assets, the largest of today: its past is that of those who have lasted."""
HISTORY = timedelta(days=3 * 365)
BITCOIN = "bitcoin"

Basis = Literal["cap_weighted_index", "bitcoin"]


@dataclass(frozen=True, slots=True)
class MarketRegime:
    """The regime with what it was worked out from; `now` is None where `missing_reason` says why."""

    basis: Basis | None
    now: RegimeNow | None
    as_of: datetime | None
    missing_reason: Literal["no_bars", "insufficient_history"] | None

    @property
    def fresh_until(self) -> datetime | None:
        return None if self.as_of is None else self.as_of + BARS_FRESH_FOR


def current(*, at: datetime) -> MarketRegime:
    """The regime at the end of the last complete day that has bars.

    By the cap-weighted index of the largest assets; by Bitcoin alone where too many caps are missing for an index.
    """
    end = at.astimezone(UTC).date()
    assets = list(
        Asset.objects.listed()
        .filter(bars_to__isnull=False)
        .order_by(F("quote__market_cap").desc(nulls_last=True), "pk")
        .values_list("pk", "bars_to")[:LARGEST]
    )
    if not assets:
        return MarketRegime(None, None, None, "no_bars")
    # The day that is going on is no day yet, whatever a bar says of it.
    newest = max(bars_to for _, bars_to in assets if bars_to is not None)
    last = min(newest, end - timedelta(days=1))
    start = last - HISTORY
    ids = [asset_id for asset_id, _ in assets]
    close, caps = (
        frames.price_frame(ids, start=start, end=last + timedelta(days=1), vector=vector).values
        for vector in ("close", "market_cap")
    )
    index = volatility_regime.regime_now(volatility_regime.cap_weighted_returns(close, caps))
    if index is not None:
        return _of("cap_weighted_index", index, last)
    alone = _bitcoin(start, last)
    return MarketRegime(None, None, None, "insufficient_history") if alone is None else _of("bitcoin", alone, last)


def _bitcoin(start: date, last: date) -> RegimeNow | None:
    asset_id = Asset.objects.listed().filter(slug=BITCOIN).values_list("pk", flat=True).first()
    if asset_id is None:
        return None
    close = frames.price_frame([asset_id], start=start, end=last + timedelta(days=1)).values[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return volatility_regime.regime_now(np.diff(np.log(close)))


def _of(basis: Basis, now: RegimeNow, last: date) -> MarketRegime:
    as_of = datetime.combine(last + timedelta(days=1), time.min, UTC)
    return MarketRegime(basis, now, as_of, None if now.regime else "insufficient_history")
