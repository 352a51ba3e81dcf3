"""What no row of a score may say, whoever writes it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from risk.models import RiskScore
from tests.risk.factories import RiskScoreFactory, dead

pytestmark = pytest.mark.django_db

ENDS = ("estimate_low_80", "estimate_high_80", "estimate_low_90", "estimate_high_90")


@pytest.mark.parametrize(
    "fields",
    [{"estimate_low_90": None}, {"estimate_basis": "no_dynamics"}, {"estimate_basis": ""}, {"estimate_basis": "guess"}],
    ids=lambda fields: ", ".join(f"{name} {value}" for name, value in fields.items()),
)
def test_an_interval_of_the_estimate_is_whole_and_has_a_basis(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="risk_score_estimation_where_known"), transaction.atomic():
        RiskScoreFactory.create(**fields)

    assert not RiskScore.objects.exists()


def test_what_is_no_forecast_has_no_interval_of_the_estimate() -> None:
    with pytest.raises(IntegrityError, match="risk_score_estimation_where_known"), transaction.atomic():
        dead(estimate_basis="fitted", **dict.fromkeys(ENDS, 100.0))

    assert not dead().is_estimated


@pytest.mark.parametrize("basis", ["no_dynamics", ""])
def test_a_score_may_be_without_one(basis: str) -> None:
    assert not RiskScoreFactory.create(estimate_basis=basis, **dict.fromkeys(ENDS)).is_estimated
