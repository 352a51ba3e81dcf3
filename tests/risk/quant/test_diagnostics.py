import numpy as np
import pytest
from scipy import stats

from risk.quant.diagnostics import arch_lm, jarque_bera, ljung_box

VALUES = np.random.default_rng(1).normal(size=300)


def test_arch_lm_is_the_published_one():
    # The test of statsmodels against R's FinTS: residuals of a regression on its data set `macrodata`.
    from statsmodels.datasets import macrodata
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tools import add_constant

    data = macrodata.load_pandas().data
    growth = 400 * np.diff(np.log(data["realinv"].to_numpy()))
    exog = add_constant(np.c_[400 * np.diff(np.log(data["realgdp"].to_numpy())), data["realint"].to_numpy()[:-1]])
    found = arch_lm(OLS(growth, exog).fit().resid, lags=4)

    assert found.statistic == pytest.approx(3.43473400836259)
    assert found.p_value == pytest.approx(0.487871315392619)


def test_ljung_box_is_its_definition():
    apart = VALUES - VALUES.mean()
    rho = np.array([(apart[lag:] * apart[:-lag]).sum() for lag in (1, 2, 3)]) / (apart**2).sum()
    by_hand = 300 * 302 * (rho**2 / (300 - np.array([1, 2, 3]))).sum()
    found = ljung_box(VALUES, lags=3)

    assert found.statistic == pytest.approx(by_hand)
    assert found.p_value == pytest.approx(stats.chi2.sf(by_hand, 3))


def test_jarque_bera_is_that_of_scipy_and_leaves_out_what_is_missing():
    found = jarque_bera(np.r_[np.nan, VALUES])

    assert (found.statistic, found.p_value) == pytest.approx(tuple(stats.jarque_bera(VALUES)))
