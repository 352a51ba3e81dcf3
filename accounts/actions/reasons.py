"""Why somebody did something: every deed by hand asks."""

from config.kernel.errors import ValidationFailed

MAX_LENGTH = 500


def given(reason: str) -> str:
    """The reason without outer blanks; raises `ValidationFailed` where none is given, or more than 500 characters."""
    reason = reason.strip()
    if not reason:
        raise ValidationFailed("Say why.", fields={"reason": ["Say why."]})
    if len(reason) > MAX_LENGTH:
        raise ValidationFailed("Say it shorter.", fields={"reason": [f"Say it in at most {MAX_LENGTH} characters."]})
    return reason
