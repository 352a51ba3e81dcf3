"""The score: from measurements to a forecast of volatility, to points between 0 and 100, to their causes."""

from dataclasses import dataclass, replace

import numpy as np

from risk.quant import ridge
from risk.quant.arrays import BoolArray, FloatArray
from risk.quant.attribution import Attribution, attribute, with_terms
from risk.quant.features import FEATURES, Component
from risk.quant.ridge import Ridge, probits
from risk.quant.score_map import ANCHORS, ScoreMap

STABLECOIN_FLOOR = 8.0
"""A quiet peg is not without risk: classes of pegs have jumped."""
PENALTY = 0.01
RECENT_SHARE = 0.25
"""Of the forecast that is plain recent volatility: it foretells falls a little better than the regression does. Chosen
on the tuning part of docs/risk/protocol.md."""
_RECENT = [feature.name for feature in FEATURES].index("recent_volatility")


@dataclass(frozen=True, slots=True)
class Scores:
    """A row an asset. base + contributions + terms = score, to 1e-9."""

    log_volatility: FloatArray
    """Log of sigma*, the annualised volatility that is forecast for the next 30 days."""
    order: FloatArray
    """By which assets are ranked: sigma* rather than the score, which many share at its upper end."""
    attribution: Attribution
    """Contributions of the components in the order of `Component`, then floor, then rule of the dead."""

    @property
    def percentile(self) -> FloatArray:
        """Among the assets of the day that have a score, 0 to 100."""
        return np.asarray(100 * ridge.ranks(self.order[:, None])[:, 0])

    @property
    def score(self) -> FloatArray:
        return self.attribution.score


def inputs(values: FloatArray, *, ranked_among: BoolArray) -> FloatArray:
    """Measurements as the model takes them: absolute ones as they are, the others as normal scores of their rank among
    the ordinary assets of the day. A measurement that is missing stays missing."""
    scored = np.full(values.shape, np.nan)
    scored[ranked_among] = probits(values[ranked_among])
    is_absolute = np.array([feature.is_absolute for feature in FEATURES])
    return np.where(is_absolute, values, scored)


def learn(
    past: list[FloatArray],
    outcomes: list[FloatArray],
    *,
    penalty: float = PENALTY,
    recent_share: float = RECENT_SHARE,
) -> Ridge:
    """From the inputs of past days and the log risk that came of them; each day weighs by its assets.

    The regression, averaged with plain recent volatility: still linear, so still with exact causes.
    """
    found = ridge.fit(np.vstack(past), np.concatenate(outcomes), penalty=penalty)
    coefficients = (1 - recent_share) * found.coefficients
    coefficients[_RECENT] += recent_share
    return replace(found, coefficients=coefficients)


def forecast(model: Ridge, features: FloatArray) -> FloatArray:
    """Log of sigma*; NaN where not even a volatility was measured."""
    is_known = ~np.isnan(features[:, 0])
    return np.where(is_known, model.predict(features), np.nan)


def score(
    model: Ridge,
    features: FloatArray,
    *,
    is_stablecoin: BoolArray,
    is_dead: BoolArray,
    score_map: ScoreMap = ANCHORS,
    floor_of_stablecoins: float = STABLECOIN_FLOOR,
) -> Scores:
    """Every asset of a day.

    The contributions of the features, which are exact Shapley values, are added up by component and carried through
    the map. A stablecoin's floor and the rule that the dead have 100 are causes of their own after it.
    """
    parts = model.contributions(features)
    of_component = np.column_stack(
        [parts[:, [feature.component is component for feature in FEATURES]].sum(axis=1) for component in Component]
    )
    is_known = ~np.isnan(features[:, 0])
    of_component[~is_known & ~is_dead] = np.nan
    plain = attribute(of_component, base=model.mean, score_map=score_map)
    floor = np.where(is_stablecoin & ~is_dead, np.maximum(floor_of_stablecoins - plain.score, 0.0), 0.0)
    death = np.where(is_dead, 100.0 - plain.score, 0.0)
    found = with_terms(plain, np.column_stack([floor, death]))
    log_volatility = model.mean + of_component.sum(axis=1)
    floored = np.maximum(log_volatility, score_map.log_volatility(floor_of_stablecoins))
    order = np.where(is_dead, np.inf, np.where(is_stablecoin, floored, log_volatility))
    return Scores(log_volatility, order, found)
