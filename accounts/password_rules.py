"""What Django's own password rules leave out. There are no rules of composition: length is what counts."""

from django.core.exceptions import ValidationError

from accounts.models import User

MAXIMUM_LENGTH = 128
CONTEXT_WORDS = ("crypto", "platform", "bitcoin", "ethereum", "portfolio", "password", "trading")
LEAST_OF_ITS_OWN = 6  # characters besides the words that everybody here thinks of


class ContextWordsValidator:
    """Refuses passwords that are little more than the words of this place and this account."""

    def validate(self, password: str, user: User | None = None) -> None:
        rest = password.lower()
        own = (user.username, user.email.partition("@")[0]) if user is not None else ()
        for word in sorted((word.lower() for word in (*CONTEXT_WORDS, *own) if len(word) >= 4), key=len, reverse=True):
            rest = rest.replace(word, "")
        if rest != password.lower() and len(rest) < LEAST_OF_ITS_OWN:
            raise ValidationError(self.get_help_text(), code="password_of_context")

    def get_help_text(self) -> str:
        return "Use more than your name and the words that everybody here thinks of."


class MaximumLengthValidator:
    """Refuses what is longer than anybody types: hashing it would cost us more than them."""

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) > MAXIMUM_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return f"Use at most {MAXIMUM_LENGTH} characters."
