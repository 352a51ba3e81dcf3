"""Whether an expected shortfall was as deep as it said, and which forecast of the tail is better."""

import numpy as np

from risk.quant.arrays import FloatArray


def acerbi_szekely(
    losses: FloatArray, value_at_risk: FloatArray, expected_shortfall: FloatArray, *, level: float
) -> float:
    """Z2 of Acerbi and Szekely (2014), Risk 27, with the sign that a positive value means a shortfall too small.

    The mean of L / ES over the exceedances, against their expected number, less one: 0 for a true model; +0.7 is red.
    Everything observed is pooled, but where the ES is not positive: there is no ratio to it.
    """
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(losses) & ~np.isnan(value_at_risk) & (expected_shortfall > 0)
    beyond = known & (losses > value_at_risk)
    total = np.count_nonzero(known)
    if not total:
        return float("nan")
    return float((losses[beyond] / expected_shortfall[beyond]).sum() / (total * (1 - level)) - 1)


def fz0_loss(
    losses: FloatArray, value_at_risk: FloatArray, expected_shortfall: FloatArray, *, level: float
) -> FloatArray:
    """The loss that true VaR and ES minimise together; Patton, Ziegel and Chen (2019), J. Econometrics 211, eq. 6.

    1 / (alpha ES) (L - VaR)+ + VaR / ES + log ES - 1 in positive losses; NaN where the ES is not positive. Differences
    do not depend on the unit, levels do.
    """
    alpha = 1 - level
    with np.errstate(invalid="ignore", divide="ignore"):
        shortfall = np.where(expected_shortfall > 0, expected_shortfall, np.nan)
        beyond = np.maximum(losses - value_at_risk, 0.0)
        return np.asarray(beyond / (alpha * shortfall) + value_at_risk / shortfall + np.log(shortfall) - 1)


def quantile_loss(losses: FloatArray, value_at_risk: FloatArray, *, level: float) -> FloatArray:
    """The tick loss that the true VaR minimises; Koenker and Bassett (1978), Econometrica 46."""
    error = losses - value_at_risk
    return np.asarray(np.where(error > 0, level * error, (level - 1) * error))
