"""Reading refusals."""

from typing import Any

from config.kernel.errors import Problem


def culprits(problem: Problem) -> set[str]:
    """The fields that a refusal complains about."""
    fields: Any = problem.details["fields"]
    return set(fields)
