from typing import Any

import numpy as np
import pytest

from risk.actions import risk_models
from risk.parameters import Parameters
from risk.quant import learning
from risk.quant.learning import Day
from risk.runs import validating
from tests.risk.markets import LAST, NOON, coin, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> list[list[Day]]:
    """What was learnt from, each time."""
    seen: list[list[Day]] = []
    learn = learning.learn

    def noted(days: list[Day], **how: Any) -> Any:
        seen.append(days)
        return learn(days, **how)

    monkeypatch.setattr(learning, "learn", noted)
    return seen


def test_each_date_is_forecast_from_as_many_dates_as_the_model_learns_from(taught: list[list[Day]]) -> None:
    simulated(days=570)
    model = risk_models.register(at=NOON, parameters=Parameters(learning_dates=13))

    validating.perform(model, until=LAST)

    of_all = taught[::2]
    assert [len(days) for days in of_all] == [12, 13, 13, 13]
    assert np.array_equal(of_all[2][0].inputs, of_all[1][1].inputs, equal_nan=True)


def test_a_date_is_forecast_by_what_was_known_of_the_one_before_when_its_month_was_over(
    taught: list[list[Day]],
) -> None:
    simulated(days=510)
    closes = walk(509, seed=1)
    closes[-61] /= 50  # the last of the 30 days after the date that the first forecast learns from last
    coin("torn", closes)

    validating.perform(risk_models.register(at=NOON), until=LAST)

    fresh, settled = taught[0][-1], taught[2][-2]
    assert len(taught[0]) + 1 == len(taught[2])
    assert np.array_equal(fresh.inputs, settled.inputs, equal_nan=True)
    (differing,) = np.flatnonzero(~np.isclose(fresh.log_risk, settled.log_risk, rtol=0, atol=1e-9, equal_nan=True))
    assert fresh.log_risk[differing] > settled.log_risk[differing] + 1
