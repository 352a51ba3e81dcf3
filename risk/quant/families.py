"""Volatility models of the library `arch`, one series at a time: where the batch finds no top, and a second opinion."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from risk.quant.arrays import FloatArray
from risk.quant.status import Status

FEWEST = 100


class Family(StrEnum):
    GARCH = "garch"
    GJR = "gjr"
    TARCH = "tarch"
    EGARCH = "egarch"


class Innovation(StrEnum):
    NORMAL = "normal"
    STUDENT = "t"
    SKEWED_STUDENT = "skewt"


_ARGUMENTS: Mapping[Family, Mapping[str, Any]] = {
    Family.GARCH: {"vol": "GARCH", "p": 1, "o": 0, "q": 1},
    Family.GJR: {"vol": "GARCH", "p": 1, "o": 1, "q": 1},
    Family.TARCH: {"vol": "GARCH", "p": 1, "o": 1, "q": 1, "power": 1.0},
    Family.EGARCH: {"vol": "EGARCH", "p": 1, "o": 1, "q": 1},
}


@dataclass(frozen=True, slots=True)
class FamilyFit:
    """One series' fit; numbers are NaN and `parameters` empty where the status is not OK.

    Mean and, of GARCH and GJR, omega are in the unit of the returns; that of the others belongs to returns of unit
    variance.
    """

    parameters: Mapping[str, float]
    log_likelihood: float
    next_variance: float
    residuals: FloatArray
    status: Status


def fit(returns: FloatArray, *, family: Family, innovation: Innovation = Innovation.STUDENT) -> FamilyFit:
    """Maximum likelihood with a constant mean, by `arch`, which is imported here and not before (it takes seconds).

    `returns` are one series without gaps. They are brought to a standard deviation of one for the optimiser, and back.
    """
    spread = float(returns.std()) if returns.size else 0.0
    if returns.size < FEWEST:
        return _nothing(Status.TOO_FEW_OBSERVATIONS)
    if not np.isfinite(spread) or spread <= 1e-12 * float(np.abs(returns).max()):
        return _nothing(Status.CONSTANT)
    from arch import arch_model

    model = arch_model(returns / spread, mean="Constant", dist=innovation.value, rescale=False, **_ARGUMENTS[family])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is the convergence flag, and that is read
        found = model.fit(disp="off", show_warning=False)
    if found.convergence_flag != 0 or not np.isfinite(found.loglikelihood):
        return _nothing(Status.NOT_CONVERGED)
    forecast = float(found.forecast(horizon=1, reindex=False).variance.iloc[-1, 0])
    units = {"mu": spread, "omega": spread**2} if family in (Family.GARCH, Family.GJR) else {"mu": spread}
    return FamilyFit(
        {name: float(value) * units.get(name, 1.0) for name, value in found.params.items()},
        float(found.loglikelihood) - returns.size * float(np.log(spread)),
        forecast * spread**2,
        np.asarray(found.std_resid, dtype=np.float64),
        Status.OK,
    )


def _nothing(status: Status) -> FamilyFit:
    return FamilyFit({}, float("nan"), float("nan"), np.empty(0), status)
