from collections.abc import Callable
from pathlib import Path

import pytest

from tests.markets.runs.price_files import HEADER, write_csv


@pytest.fixture
def prices(tmp_path: Path) -> Callable[..., Path]:
    """A CSV file of these rows."""
    return lambda *rows, header=HEADER: write_csv(tmp_path, "\n".join([header, *rows]) + "\n")
