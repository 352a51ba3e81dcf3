"""What must hold on real prices, whatever they are."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from risk.quant import garch
from risk.quant.coverage_tests import kupiec
from risk.quant.eligibility import Standing, eligibility
from risk.quant.ewma import ewma
from risk.quant.features import measure
from risk.quant.returns import bad_prints, returns
from risk.quant.status import Status
from risk.quant.tail_risk import historical

FOLDER = os.environ.get("REAL_DATA_DIR")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER, reason="REAL_DATA_DIR names no folder with real market data"),
]


@pytest.fixture(scope="module")
def panel() -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """1,200 days up to one on which most sources still go on; assets x days."""
    import pandas as pd

    table = pd.read_parquet(Path(FOLDER or "") / "daily" / "prices.parquet")
    end = pd.Timestamp("2025-05-31")
    table = table[(table["date"] <= end) & (table["date"] > end - pd.Timedelta(days=1_200))]
    matrices = {
        name: table.pivot(index="symbol", columns="date", values=name).to_numpy(dtype=np.float64)
        for name in ("close", "volume", "market_cap")
    }
    return sorted(table["symbol"].unique()), matrices


def test_series_that_end_with_their_source_are_not_called_dead(panel):
    _, values = panel
    found = eligibility(values["close"], values["volume"])
    last = np.where(np.isnan(values["close"]), -1, np.arange(values["close"].shape[1])).max(axis=1)
    ended = last < values["close"].shape[1] - 4

    assert (found.standing[ended] != Standing.ORDINARY).all()
    # Death needs evidence, and an absent volume is none.
    without_volume = np.isnan(values["volume"][:, -30:]).all(axis=1)
    assert not (found.standing[without_volume] == Standing.DEAD).any()
    assert (found.standing == Standing.ORDINARY).sum() > 150


@pytest.mark.filterwarnings("error")
def test_every_coin_is_measured_or_says_why_not(panel):
    symbols, values = panel
    prices = np.where(bad_prints(values["close"]), np.nan, values["close"])
    known = eligibility(prices, values["volume"]).standing == Standing.ORDINARY
    rows = np.flatnonzero(known | (np.array(symbols) == "BTC"))
    measured = measure(
        prices[rows],
        values["volume"][rows],
        values["market_cap"][rows],
        reference=[symbols[row] for row in rows].index("BTC"),
    )

    assert np.isfinite(measured.column("volatility")).all()
    good = measured.fits.status == Status.OK
    assert np.isfinite(measured.fits.alpha[good]).all()
    assert np.isnan(measured.fits.alpha[~good]).all()
    assert (measured.fits.persistence[good] < 1).all()
    long = measured.observations >= garch.FEWEST * 5
    assert good[long].mean() > 0.95


def test_risk_scaled_by_ewma_is_exceeded_as_often_as_it_says(panel):
    _, values = panel
    series = returns(np.where(bad_prints(values["close"]), np.nan, values["close"])).sequences()
    long = np.flatnonzero(series.size >= 1_000)
    series = series.take(long)
    residuals = series.values / np.sqrt(ewma(series).variances)
    # The first half gives the tail, the second is judged by it; each asset by itself, then all together.
    half = residuals.shape[1] - 500
    tail = historical(np.where(series.is_real, residuals, np.nan)[:, :half], level=0.975).value_at_risk
    exceeded = -residuals[:, half:] > tail[:, None]

    assert exceeded.mean() == pytest.approx(0.025, abs=0.005)
    share = (kupiec(exceeded.sum(axis=1), np.full(len(long), 500), level=0.975).p_value > 0.05).mean()
    assert share > 0.85
