"""What processes remember of the market, forgotten before each test: a rolled-back version comes again."""

import pytest

from markets import feeds, sources
from markets.api.answers import ANSWERS
from markets.board import SHELF
from markets.versions import WATCH, Watch


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    vars(WATCH).update(vars(Watch()))
    SHELF.clear()
    ANSWERS.clear()
    sources._names.clear()
    feeds._simulated.cache_clear()
    feeds._real.cache_clear()
