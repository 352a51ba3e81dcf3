"""What of a model can be chosen, and the version that names the choice and the formulas."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import inf, nan
from typing import Any

from config.kernel.errors import ValidationFailed
from risk.quant import formulas

RELEASE = "1.2.0"


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
        # Written so that NaN is refused, too.
        refused = {
            "penalty": None if 0 < self.penalty < inf else "Give a number above 0.",
            "recent_share": None if 0 <= self.recent_share <= 1 else "Give a share, from 0 to 1.",
            "floor_of_stablecoins": None if 0 <= self.floor_of_stablecoins <= 90 else "Give points from 0 to 90.",
            "sentiment_cap": None if 0 <= self.sentiment_cap <= 5 else "Give points from 0 to 5: news add no more.",
            "sentiment_from": None if 0 <= self.sentiment_from < inf else "Give deviations, 0 or more.",
            "sentiment_full": None
            if self.sentiment_from < self.sentiment_full < inf
            else "Give more deviations than sentiment_from, at which points begin.",
            "hold_days": None if 0 <= self.hold_days <= 365 else "Give days from 0 to 365.",
            "learning_dates": None if 2 <= self.learning_dates <= 200 else "Give dates from 2 to 200.",
            "calibration_dates": None
            if 1 <= self.calibration_dates < self.learning_dates
            else "Give at least 1 date, and fewer than learning_dates, of which they are the latest.",
            "reach_dates": None
            if 1 <= self.reach_dates <= self.calibration_dates
            else "Give at least 1 date, and no more than calibration_dates.",
            "reach_response": None if 0 <= self.reach_response <= 1 else "Give a share, from 0 to 1.",
        }
        _require({name: complaint for name, complaint in refused.items() if complaint is not None})

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Parameters":
        """From what a model's row holds, or its texts; `ParametersRefused` says of each that cannot be what to do."""
        known = {field.name: field for field in fields(cls)}
        refused = {
            name: f"There is no such parameter; there are {', '.join(known)}." for name in stored if name not in known
        }
        refused |= {name: f"Give it, too; the default is {known[name].default}." for name in known.keys() - stored}
        _require(refused)
        values: dict[str, Any] = {}
        for name, value in stored.items():
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = nan
                refused[name] = "Give a number."
            if known[name].type is not int:
                values[name] = number
            elif number.is_integer():
                values[name] = int(number)
            else:
                refused[name] = "Give a whole number."
        _require(refused)
        return cls(**values)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def _require(refused: Mapping[str, str]) -> None:
    if refused:
        told = " ".join(f"{name}: {complaint}" for name, complaint in sorted(refused.items()))
        raise ParametersRefused(
            f"{ParametersRefused.message} {told}", fields={name: [refused[name]] for name in sorted(refused)}
        )


def version(parameters: Parameters) -> str:
    """Of these parameters with the formulas as they are: who changes either has another model."""
    digest = hashlib.sha256(formulas.digest())
    digest.update(json.dumps(parameters.stored(), sort_keys=True).encode())
    return f"{RELEASE}-{digest.hexdigest()[:8]}"
