"""What was measured of each asset, in units that a person knows."""

from collections.abc import Iterator
from typing import TypedDict

import numpy as np

from risk.quant import features
from risk.quant.arrays import FloatArray
from risk.quant.features import FEATURES, LEVELS, NAMES, Component
from risk.quant.measurement import Measured
from risk.quant.universe import Compared

_LOGARITHMS = {"volatility": 1, "recent_volatility": 1, "lasting_volatility": 1, "price_impact": 1, "illiquidity": -1}
"""Features that are logs, and their signs."""


class Natural(TypedDict):
    """A measurement in a unit that a person knows."""

    name: str
    component: str
    value: float | None
    unit: str
    standard_error: float | None
    """In the same unit; None of a fact, and where it is not known."""
    n: int
    percentile: float | None


_UNITS: dict[str, tuple[str, str]] = {
    "volatility": ("volatility", "per_year"),
    "recent_volatility": ("recent_volatility", "per_year"),
    "lasting_volatility": ("lasting_volatility", "per_year"),
    "expected_shortfall": ("expected_shortfall_97_5", "log_return_per_day"),
    "tail_index": ("tail_index", "shape"),
    "worst_day": ("worst_day", "log_loss"),
    "drawdown": ("drawdown", "fraction"),
    "quarter_drawdown": ("quarter_drawdown", "fraction"),
    "conditional_drawdown": ("conditional_drawdown_95", "fraction"),
    "illiquidity": ("median_volume", "usd_per_day"),
    "price_impact": ("price_impact", "per_million_usd"),
    "zero_returns": ("zero_returns", "fraction"),
    "beta": ("beta", "ratio"),
    "downside_beta": ("downside_beta", "ratio"),
    "tail_dependence": ("tail_dependence_with_bitcoin", "fraction"),
    "youth": ("age", "observed_days"),
    "smallness": ("market_cap", "usd"),
}


_UNITS_BESIDE = {
    "turnover": ("turnover", "of_market_cap_per_day"),
    "days_since_trade": ("days_since_trade", "days"),
    "liquidation_cost": ("liquidation_cost_100k", "fraction"),
}
"""Of what is told of an asset's liquidity without a part in the forecast; a cost that is not finite has no value."""


def naturals(found: Measured, beside: Compared) -> Iterator[list[Natural]]:
    """Every measurement of each asset; the percentile is that of the risk, so a small volume has a high one."""
    values, errors = beside.values.copy(), found.standard_errors.copy()
    for column, feature in enumerate(FEATURES):
        if feature.name in _LOGARITHMS:
            values[:, column] = np.exp(_LOGARITHMS[feature.name] * values[:, column])
            errors[:, column] *= values[:, column]
    values[:, NAMES.index("youth")] = found.counts[:, NAMES.index("youth")]
    values[:, NAMES.index("smallness")] = found.market_cap
    column = NAMES.index("expected_shortfall")
    values[:, column] = found.expected_shortfall[:, LEVELS.index(features.LEVEL)]
    errors[:, column] *= np.where(values[:, column] > 0, values[:, column], np.nan)
    errors[~np.isfinite(values)] = np.nan
    unknown = np.full(found.beside.shape, np.nan)
    columns = (
        _or_none(np.hstack([values, found.beside])),
        _or_none(np.hstack([errors, unknown])),
        (row.tolist() for row in np.hstack([found.counts, found.beside_counts])),
        _or_none(np.hstack([beside.percentiles, unknown])),
    )
    told = [(_UNITS[feature.name], str(feature.component)) for feature in FEATURES]
    told += [(_UNITS_BESIDE[name], str(Component.LIQUIDITY)) for name in features.BESIDE]
    for row in zip(*columns, strict=True):
        yield [
            Natural(
                name=name, component=component, value=value, unit=unit, standard_error=error, n=n, percentile=percentile
            )
            for ((name, unit), component), value, error, n, percentile in zip(told, *row, strict=True)
        ]


def _or_none(matrix: FloatArray) -> Iterator[list[float | None]]:
    told = matrix.astype(object)
    told[~np.isfinite(matrix)] = None
    return (row.tolist() for row in told)
