import pytest

from risk.quant.measurement import Measured
from tests.risk.quant.days import measure, panel


@pytest.fixture(scope="session")
def measured() -> Measured:
    return measure(panel())
