class BenchFailed(Exception):
    """The benchmark cannot say anything: something is missing, an answer was refused, or a server ended."""


class AnswersDiffer(BenchFailed):
    """The two sides do not say the same, so their speeds must not be compared."""

    def __init__(self, about: str, ours: object, theirs: object) -> None:
        super().__init__(f"{about}: the product says {str(ours)[:500]}, the reference says {str(theirs)[:500]}")


def require_same(about: str, ours: object, theirs: object) -> None:
    """Raise `AnswersDiffer` unless both are equal."""
    if ours != theirs:
        raise AnswersDiffer(about, ours, theirs)
