import numpy as np
import pytest

from risk.quant.outcomes import Outcomes
from risk.quant.random_numbers import Stream
from risk.quant.validation import BENCHMARK, OURS, JudgedDay, judged, report

ASSETS = 20
PROMISE = ("score", 0.9)


def day(quarter: str, inside: int, *, width: float = 10.0) -> JudgedDay:
    """Twenty assets of which so many came within their interval."""
    order = np.arange(ASSETS, dtype=np.float64)
    came = Outcomes(order, order, order, (order > 15).astype(np.float64), np.full(ASSETS, 30))
    low = np.where(np.arange(ASSETS) < inside, 0.0, 60.0)
    return judged(
        {OURS: order, BENCHMARK: order},
        came,
        quarter=quarter,
        realised={"score": np.full(ASSETS, 5.0)},
        intervals={PROMISE: (low, low + width)},
    )


def test_coverage_is_told_on_the_whole_and_by_quarter():
    days = [day("2024 Q1", 18), day("2024 Q1", 20), day("2024 Q2", 10, width=20.0)]

    found = report(days, stream=Stream(1)).coverage[PROMISE]

    assert found.share == pytest.approx(48 / 60)
    assert found.by_quarter == {"2024 Q1": 38 / 40, "2024 Q2": 0.5}
    assert found.width == pytest.approx(40 / 3)


def test_assets_without_a_forecast_of_ours_count_nowhere():
    order = np.arange(ASSETS, dtype=np.float64)
    ours = np.where(order < 5, np.nan, order)
    came = Outcomes(order, order, order, (order > 15).astype(np.float64), np.full(ASSETS, 30))

    found = judged(
        {OURS: ours, BENCHMARK: order},
        came,
        quarter="2024 Q1",
        realised={"score": order},
        intervals={PROMISE: (order - 1, order + 1)},
    )

    assert found.is_inside[PROMISE].tolist() == [True] * 15
