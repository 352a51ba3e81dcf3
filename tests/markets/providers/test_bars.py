import numpy as np
import pytest

from markets.providers.bars import Bars
from markets.providers.rejects import Reject


def _bars(key: str, source: str, *closes: float) -> Bars:
    days = np.arange(20_000, 20_000 + len(closes), dtype=np.int32)
    return Bars.of_one(
        key, source, days, close=np.array(closes), symbol=key.upper(), rejects=[Reject(key, "duplicate", "", "")]
    )


def test_parts_are_joined_under_one_table_of_coins_and_sources() -> None:
    joined = Bars.concat([_bars("a", "x", 1, 2), _bars("b", "y", 3), _bars("a", "y", 4)])

    assert (joined.keys, joined.symbols, joined.sources) == (["a", "b"], ["A", "B"], ["x", "y"])
    assert joined.code.tolist() == [0, 0, 1, 0]
    assert joined.source_code.tolist() == [0, 0, 1, 1]
    assert joined.close.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert joined.day.tolist() == [20_000, 20_001, 20_000, 20_000]
    assert str(joined.dates[0]) == "2024-10-04"
    assert (len(joined), joined.rows_in) == (4, 7)


@pytest.mark.parametrize("selection", [np.array([False, True, True]), np.array([1, 2])])
def test_taking_rows_keeps_the_tables(selection: np.ndarray) -> None:
    taken = _bars("a", "x", 1, 2, 3).take(selection)

    assert (taken.close.tolist(), taken.keys, len(taken.rejects)) == ([2.0, 3.0], ["a"], 1)


def test_nothing_is_nothing() -> None:
    empty = Bars.concat([])

    assert (len(empty), empty.keys, empty.sources, empty.rows_in) == (0, [], [], 0)
    assert Bars.concat([empty, _bars("a", "x", 1)]).keys == ["a"]
