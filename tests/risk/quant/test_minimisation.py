import numpy as np
import pytest

from risk.quant.minimisation import Limits, minimise

LIMITS = Limits(flat=1e-8, settled_flat=1e-6)


def rosenbrock(x, rows):
    """Of every row, with a valley of its own."""
    a = 1.0 + rows
    value = (a - x[:, 0]) ** 2 + 10 * (x[:, 1] - x[:, 0] ** 2) ** 2
    gradient = np.column_stack(
        [-2 * (a - x[:, 0]) - 40 * x[:, 0] * (x[:, 1] - x[:, 0] ** 2), 20 * (x[:, 1] - x[:, 0] ** 2)]
    )
    return value, gradient


def test_curved_valleys_are_followed_to_their_ends():
    found = minimise(rosenbrock, np.zeros((3, 2)), inverse_curvature=np.tile(0.5 * np.eye(2), (3, 1, 1)), limits=LIMITS)

    assert found.is_converged.all()
    assert found.points == pytest.approx(np.array([[1, 1], [2, 4], [3, 9]]), abs=1e-6)


def test_problem_has_the_same_solution_in_any_company():
    together = minimise(
        rosenbrock, np.zeros((3, 2)), inverse_curvature=np.tile(0.5 * np.eye(2), (3, 1, 1)), limits=LIMITS
    )
    alone = minimise(
        lambda x, rows: rosenbrock(x, rows + 2),
        np.zeros((1, 2)),
        inverse_curvature=0.5 * np.eye(2)[None],
        limits=LIMITS,
    )

    assert together.points[2].tolist() == alone.points[0].tolist()
    assert together.evaluations[2] == alone.evaluations[0]


def test_problem_that_is_cut_short_is_not_converged():
    found = minimise(
        rosenbrock,
        np.zeros((1, 2)),
        inverse_curvature=0.5 * np.eye(2)[None],
        limits=LIMITS._replace(most_evaluations=3),
    )

    assert not found.is_converged.any()


def test_problem_without_a_value_at_its_start_is_not_converged():
    found = minimise(
        lambda x, rows: (np.full(len(x), np.nan), np.full(x.shape, np.nan)),
        np.zeros((1, 2)),
        inverse_curvature=np.eye(2)[None],
        limits=LIMITS,
    )

    assert not found.is_converged.any()
