"""What the user has said: the process environment, and behind it the file `.env` of the checkout."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

ALIASES = {"DATABASE_URL": "DB_URL", "JWT_SECRET_KEY": "JWT_SECRET", "ENVIRONMENT": "ENV"}
NO = {"0", "false", "no", "off", "f", "n"}


class Given:
    """Variables with a value; an empty one counts as not given."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        self._values = {name.upper(): value for name, value in values.items() if value}

    @classmethod
    def to_checkout(cls, repository: Path) -> "Given":
        """The environment of this process over the checkout's `.env`."""
        return cls(
            {**dotenv_values(repository / ".env"), **{name: value for name, value in os.environ.items() if value}}
        )

    @classmethod
    def to_process(cls) -> "Given":
        """The environment of this process alone."""
        return cls(os.environ)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value under the variable's name or its alias."""
        return self._values.get(name) or self._values.get(ALIASES.get(name, name)) or default

    def is_on(self, name: str, *, default: bool) -> bool:
        """A yes or no as the settings understand it."""
        value = self.get(name)
        return default if value is None else value.strip().lower() not in NO
