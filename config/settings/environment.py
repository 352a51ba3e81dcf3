"""What this process was told, typed and checked before anything else happens.

Sources, weakest first: the defaults in `variables`, `config/settings/<environment>.toml`, the servers of a running
`make run` (development only), the file `.env`, the process environment. An empty value counts as not given.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from dotenv import dotenv_values
from pydantic import AliasChoices, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.settings import local_stack, variables
from config.settings.parsing import environment_name, without_driver
from config.settings.refusals import refusals

BASE_DIR = Path(__file__).resolve().parents[2]
DEFAULTS = Path(__file__).parent  # <environment>.toml
# Where two texts may mean the same.
MEANING: Mapping[str, Callable[[str], object]] = {"environment": environment_name, "database_url": without_driver}


class Environment(
    variables.Deployment,
    variables.Servers,
    variables.Secrets,
    variables.Sessions,
    variables.Limits,
    variables.Market,
    variables.Schedule,
    variables.Jobs,
    variables.Notifications,
    variables.Tests,
):
    """Every variable of the product. An instance is a configuration that is fit to run; `load` explains a refusal."""

    model_config = SettingsConfigDict(
        env_file=BASE_DIR / ".env",
        env_ignore_empty=True,
        enable_decoding=False,  # lists are separated by commas, not written as JSON
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,  # the input may be a secret
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, RunningStack(settings_cls), TomlDefaults(settings_cls)

    @model_validator(mode="after")
    def _is_fit_to_run(self) -> Self:
        if problems := refusals(self):
            raise PydanticCustomError("refused", "{text}", {"text": "\n".join(problems)})
        return self

    def provider_key(self, provider: str) -> str:
        """The key for a market data provider, or an empty text.

        MARKET_DATA_API_KEY stands in for the primary provider's own variable.
        """
        own = {"coingecko": self.coingecko_api_key, "coinmarketcap": self.coinmarketcap_api_key}.get(provider)
        if own is None and self.market_providers[:1] == [provider]:
            own = self.market_data_api_key
        return own.get_secret_value() if own else ""


class _WeakSource(PydanticBaseSettingsSource):
    """A source that looks at what stronger ones said before it adds anything."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False  # asked for by the base class; `__call__` gives all values at once

    def _given(self, field_name: str) -> Any:
        names = [field_name, *names_of(field_name)]
        return next((self.current_state[name] for name in names if name in self.current_state), None)

    @property
    def _environment(self) -> str:
        return str(environment_name(self._given("environment") or "development"))


class TomlDefaults(_WeakSource):
    """What is usual in this environment: `development.toml`, `staging.toml`, `production.toml`."""

    def __call__(self) -> dict[str, Any]:
        file = DEFAULTS / f"{self._environment}.toml"
        return tomllib.loads(file.read_text()) if file.is_file() else {}


class RunningStack(_WeakSource):
    """The servers of a running `make run`, so that a command in a second terminal finds them."""

    def __call__(self) -> dict[str, Any]:
        if self._environment != "development":
            return {}
        return local_stack.servers(BASE_DIR / ".local" / "run.json", database_url=self._given("database_url"))


def names_of(field_name: str) -> tuple[str, ...]:
    """The names a variable may be given by, the canonical one first."""
    alias = Environment.model_fields[field_name].validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (field_name.upper(),)


def conflicts(process: Mapping[str, str], file: Mapping[str, str | None]) -> list[str]:
    """A sentence for each variable that was given twice, under two names and with two values."""
    told = {**{name: value for name, value in file.items() if value}, **{k: v for k, v in process.items() if v}}
    problems = []
    for field_name in Environment.model_fields:
        given = [name for name in names_of(field_name) if name in told]
        if len({MEANING.get(field_name, str)(told[name]) for name in given}) > 1:
            problems.append(f"{' and '.join(given)} are two names of one variable and differ: remove one of them.")
    return problems


def load(env_file: Path | None = BASE_DIR / ".env") -> Environment:
    """Read the environment, or raise `ImproperlyConfigured` with one sentence for each thing that is wrong."""
    problems = conflicts(os.environ, dotenv_values(env_file) if env_file else {})
    try:
        environment = Environment(_env_file=env_file)  # type: ignore[call-arg] # an argument of BaseSettings itself
    except ValidationError as error:
        problems += _sentences(error)
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise ImproperlyConfigured(f"The settings in the environment or in .env are not fit to run with:\n{listed}")
    return environment


def _sentences(error: ValidationError) -> list[str]:
    sentences = []
    for detail in error.errors(include_input=False, include_url=False):
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "refused":
            sentences += message.split("\n")
        else:
            sentences.append(f"{' or '.join(names_of(_field(str(detail['loc'][0]))))}: {message}")
    return sentences


def _field(location: str) -> str:
    return next(name for name in Environment.model_fields if location in {name, *names_of(name)})
