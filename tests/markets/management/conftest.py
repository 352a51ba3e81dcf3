from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO

import pytest
from django.core.management import CommandError, call_command


@dataclass(frozen=True)
class Outcome:
    """What a command said, line by line, and why it failed if it did."""

    out: list[str]
    err: list[str]
    failure: str | None


@pytest.fixture
def manage() -> Callable[..., Outcome]:
    """Runs a command with the arguments that a shell would give it."""

    def manage(name: str, *arguments: object) -> Outcome:
        out, err, failure = StringIO(), StringIO(), None
        try:
            call_command(name, *map(str, arguments), stdout=out, stderr=err)
        except CommandError as error:
            failure = str(error)
        return Outcome(out.getvalue().splitlines(), err.getvalue().splitlines(), failure)

    return manage
