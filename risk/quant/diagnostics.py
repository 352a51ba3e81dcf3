"""What is left in the residuals of a model: tests of `statsmodels`, which is imported when one is asked for."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A test statistic and its p-value; small p: the residuals still hold what the model should have taken."""

    statistic: float
    p_value: float


def arch_lm(residuals: FloatArray, *, lags: int) -> Diagnosis:
    """Whether squares foretell squares; Engle (1982), Econometrica 50: n R^2 of their autoregression."""
    from statsmodels.stats.diagnostic import het_arch

    found = het_arch(_observed(residuals), nlags=lags, result_object=True)
    return Diagnosis(float(found[0]), float(found[1]))


def ljung_box(residuals: FloatArray, *, lags: int) -> Diagnosis:
    """Whether there is any autocorrelation up to `lags`; Ljung and Box (1978), Biometrika 65."""
    from statsmodels.stats.diagnostic import acorr_ljungbox

    table = acorr_ljungbox(_observed(residuals), lags=[lags])
    return Diagnosis(float(table["lb_stat"].iloc[0]), float(table["lb_pvalue"].iloc[0]))


def jarque_bera(residuals: FloatArray) -> Diagnosis:
    """Whether skewness and kurtosis are those of a normal; Jarque and Bera (1987), Int. Statistical Review 55."""
    from statsmodels.stats.stattools import jarque_bera as test

    statistic, p_value, _, _ = test(_observed(residuals))
    return Diagnosis(float(statistic), float(p_value))


def _observed(residuals: FloatArray) -> FloatArray:
    return residuals[~np.isnan(residuals)]
