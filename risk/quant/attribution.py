"""Which part of a score is due to what, adding up to the score."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray
from risk.quant.score_map import ScoreMap


@dataclass(frozen=True, slots=True)
class Attribution:
    """base + contributions = score, to 1e-9; a row an asset, a column a cause."""

    base: float
    contributions: FloatArray
    score: FloatArray


def attribute(log_contributions: FloatArray, *, base: float, score_map: ScoreMap) -> Attribution:
    """Carry the causes of a log volatility through the map to the score.

    `base` is the log volatility of the baseline, `log_contributions` what each cause adds to it. Aumann and Shapley
    (1974): a cause gets its change times the mean slope of the map on the straight way from the baseline; all move
    together along it, so that the mean slope is rise over run and nothing is left over.
    """
    run = log_contributions.sum(axis=1)
    start = float(score_map.score(base))
    score = score_map.score(base + run)
    flat = np.abs(run) < 1e-9
    # Where the way has no length, the slope at the baseline.
    near = (score_map.score(base + 1e-6) - score_map.score(base - 1e-6)) / 2e-6
    slope = np.where(flat, near, (score - start) / np.where(flat, 1.0, run))
    contributions = log_contributions * slope[:, None]
    return Attribution(start, contributions, start + contributions.sum(axis=1))


def with_terms(attribution: Attribution, terms: FloatArray) -> Attribution:
    """Floors, news and rules as causes of their own after the map, each a column of points."""
    contributions = np.column_stack([attribution.contributions, terms])
    return Attribution(attribution.base, contributions, attribution.base + contributions.sum(axis=1))
