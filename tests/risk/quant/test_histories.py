from dataclasses import fields

import numpy as np
import pytest

from risk.quant.engine import Engine
from risk.quant.histories import Histories, Lived, live
from risk.quant.random_numbers import Stream

DAYS, PATHS = 250, 200
PLACES = Stream(5).integers(1 << 31, (DAYS, PATHS)).astype(np.uint64)


def histories(*, days: tuple[int, ...] = (250, 40, 120), seed: int = 1) -> Histories:
    """Of assets whose residuals fill only a part of their rows."""
    random = np.random.default_rng(seed)
    count = len(days)
    squares = random.standard_t(5, (count, 3, 300)) ** 2
    size = np.array([300, 90, 250])[:count]
    alpha, beta = random.uniform(0.01, 0.2, (count, PATHS)), random.uniform(0.5, 0.79, (count, PATHS))
    omega = random.uniform(1e-5, 1e-3, (count, PATHS))
    fitted = np.column_stack([omega[:, 0], alpha[:, 0], beta[:, 0]])
    return Histories(
        squares, size, np.stack([omega, alpha, beta], axis=1), fitted, np.full(count, 1e-3), np.array(days)
    )


def test_both_engines_give_the_same():
    pytest.importorskip("numba")
    compiled, plain = (live(histories(), PLACES, engine=engine) for engine in (Engine.NUMBA, Engine.NUMPY))

    for field in fields(Lived):
        assert getattr(compiled, field.name) == pytest.approx(getattr(plain, field.name), rel=1e-9)


def test_an_asset_has_the_same_paths_in_any_company():
    together = live(histories(), PLACES)
    whole = histories()
    alone = live(Histories(**{field.name: getattr(whole, field.name)[1:2] for field in fields(Histories)}), PLACES)

    assert alone.variance.tobytes() == together.variance[1:2].tobytes()
    assert alone.windows.tobytes() == together.windows[:, 1:2].tobytes()


def test_a_path_by_hand():
    squares = np.array([[[4.0, 1.0, 9.0], [4.0, 1.0, 25.0], [6.0, 0.5, 13.5]]])
    drawn = np.array([[[0.1], [0.2], [0.5]]])
    # The shares 0 and 0.9 of two residuals at the end of the row: the first and the second of these.
    places = np.array([[0], [int(0.9 * (1 << 31))]], dtype=np.uint64)
    start = np.array([2.0])
    found = live(Histories(squares, np.array([2]), drawn, np.array([[0.1, 0.2, 0.5]]), start, np.array([2])), places)

    first = 1.0 * 2.0
    second_variance = 0.1 + 0.2 * first + 0.5 * 2.0
    second = 9.0 * second_variance
    tomorrow = 0.1 + 0.2 * second + 0.5 * second_variance
    before = (first + 0.94 * second) / 1.94
    assert found.variance[0, 0] == pytest.approx(tomorrow)
    assert found.recent[0, 0] == pytest.approx(0.94**2 * before + 0.06 * (0.94 * first + second))
    assert found.lasting[0, 0] == pytest.approx(0.98**2 * before + 0.02 * (0.98 * first + second))
    assert found.actual[0, 0] == pytest.approx(0.94**2 * before + 0.06 * (0.94 * first + 25.0 * second_variance))
    fall = 13.5 * second_variance
    weighed = (0.5 * 2.0 + 0.94 * fall) / 1.94
    fast, slow = (d**2 * weighed + (1 - d) * (d * 0.5 * 2.0 + fall) for d in (0.8, 0.97))
    assert found.asymmetric[0, 0] == pytest.approx(0.5 * (fast + slow))
    assert found.windows[:, 0, 0] == pytest.approx([(first + second) / days for days in (7, 30, 90)])
    long_run = 0.1 / 0.3
    expected = long_run + 0.7 ** np.arange(30) * (tomorrow - long_run)
    assert found.ahead[0, 0] == pytest.approx(expected.mean())


def test_what_is_believed_is_what_is_where_the_belief_is_right():
    whole = histories(days=(250,))
    drawn = np.repeat(whole.fitted[:, :, None], PATHS, axis=2)
    found = live(Histories(whole.squares, whole.size, drawn, whole.fitted, whole.start, whole.days), PLACES)

    assert found.believed == pytest.approx(found.variance)
    assert found.believed_ahead == pytest.approx(found.ahead)


def test_variance_is_on_the_average_that_of_the_long_run():
    squares = np.random.default_rng(2).standard_normal((1, 3, 1000)) ** 2
    squares /= squares[:, :1].mean(axis=2, keepdims=True)
    paths = 20_000
    places = Stream(1).integers(1 << 31, (150, paths)).astype(np.uint64)
    drawn = np.repeat(np.array([[[0.1], [0.08], [0.82]]]), paths, axis=2)
    found = live(Histories(squares, np.array([1000]), drawn, drawn[:, :, 0], np.array([1.0]), np.array([150])), places)

    assert found.variance.mean() == pytest.approx(1.0, abs=5 * found.variance.std() / np.sqrt(paths))
    assert found.lasting.mean() == pytest.approx(1.0, abs=0.01)
