"""What of a model can be chosen, and the version that names the choice and the formulas."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from config.kernel.errors import ValidationFailed

RELEASE = "1.1.0"
_FORMULAS = Path(__file__).parent / "quant"


class ParametersRefused(ValidationFailed):
    code = "parameters_refused"
    message = "These are not the parameters of a risk model."


@dataclass(frozen=True, slots=True)
class Parameters:
    """Of a model; the defaults were chosen on the tuning part of docs/risk/protocol.md."""

    penalty: float = 0.01
    """Of the ridge regression."""
    recent_share: float = 0.25
    """Of the forecast that is plain recent volatility."""
    floor_of_stablecoins: float = 8.0
    sentiment_cap: float = 5.0
    """Points that bad news may add at most."""
    sentiment_from: float = 1.0
    sentiment_full: float = 4.0
    """Deviations of the news from their usual tone at which points begin, and at which all are added."""
    hold_days: int = 30
    """After a pump, during which the score is not lowered."""
    learning_dates: int = 60
    calibration_dates: int = 12
    """The latest days, 30 days apart, that the forecast and its intervals are learnt from."""
    reach_dates: int = 2
    reach_response: float = 0.5
    """Of how many of these days the errors say how far intervals reach, and how much: 0 not at all, 1 in proportion."""

    def __post_init__(self) -> None:
        numbers = [self.penalty, self.recent_share, self.floor_of_stablecoins, self.sentiment_cap]
        numbers += [self.sentiment_from, self.sentiment_full]
        if not all(isfinite(number) and number >= 0 for number in numbers) or self.penalty == 0:
            raise ParametersRefused
        if self.recent_share > 1 or self.floor_of_stablecoins > 90 or self.sentiment_cap > 5:
            raise ParametersRefused
        if self.sentiment_full <= self.sentiment_from or not 0 <= self.hold_days <= 365:
            raise ParametersRefused
        if not 1 <= self.calibration_dates < self.learning_dates <= 200:
            raise ParametersRefused
        if not (1 <= self.reach_dates <= self.calibration_dates and 0 <= self.reach_response <= 1):
            raise ParametersRefused

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Parameters":
        """From what a model's row holds; raises `ParametersRefused` for anything else."""
        kinds = {field.name: field.type for field in fields(cls)}
        if set(stored) != set(kinds):
            raise ParametersRefused
        try:
            return cls(**{name: kinds[name](value) for name, value in stored.items()})  # type: ignore[operator]  # int or float
        except (TypeError, ValueError) as error:
            raise ParametersRefused from error

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def version(parameters: Parameters) -> str:
    """Of these parameters with the formulas as they are: who changes either has another model."""
    digest = hashlib.sha256(_formulas())
    digest.update(json.dumps(parameters.stored(), sort_keys=True).encode())
    return f"{RELEASE}-{digest.hexdigest()[:8]}"


@cache
def _formulas() -> bytes:
    digest = hashlib.sha256()
    for file in sorted(_FORMULAS.rglob("*.py")):
        digest.update(file.relative_to(_FORMULAS).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.digest()
