"""`.env.example`, written from the model: `python -m config.settings.example` brings the file up to date."""

import tomllib
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from config.settings.environment import BASE_DIR, DEFAULTS, names_of
from config.settings.variables import SUBJECTS, Secrets

FILE = BASE_DIR / ".env.example"
HEADER = """\
# Every variable the product understands, with its default in brackets. `cp .env.example .env` and fill in what you want
# to change: an empty value counts as not given. The process environment overrides this file.
"""


def example() -> str:
    """The text of `.env.example`."""
    return HEADER + "".join(_subject(subject) for subject in SUBJECTS)


def _subject(subject: type[BaseSettings]) -> str:
    lines = ["", f"# --- {subject.__doc__} ".ljust(118, "-")]
    for name, field in subject.model_fields.items():
        canonical, *others = names_of(name)
        remarks = [f"also called {other}" for other in others] + _default(name, field)
        lines.append(f"# {field.description} [{'; '.join(remarks)}]" if remarks else f"# {field.description}")
        lines.append(f"{canonical}=")
    return "\n".join(lines) + "\n"


def _default(name: str, field: FieldInfo) -> list[str]:
    if name in Secrets.model_fields:
        return ["required outside development"]
    if field.examples:
        return [f"like {field.examples[0]}"]
    text = _text(field.default)
    usual = [text] if text else []
    for file in sorted(DEFAULTS.glob("*.toml")):
        here = tomllib.loads(file.read_text())
        if name in here:
            usual.append(f"in {file.stem} {_text(here[name]) or 'none'}")
    return usual


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    FILE.write_text(example())
