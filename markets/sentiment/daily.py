"""From single items to what the news of a coin looks like today, measured against its own past.

Two decayed sums of the items that are known: intensity counts them, net negativity adds up how bad they are less how
good. An item's weight halves every three days. Each sum is compared with its own values at the ends of the days before:
a coin that is always in the news, or always in bad news, is not in the news more than usual.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

HALF_LIFE_DAYS = 3.0
BASE_DAYS = 90
MIN_BASE_DAYS = 30
"""Of collected news before today. With fewer there is no usual to compare with."""
WINDOW_DAYS = 7
MIN_ITEMS = 5
REACH_DAYS = 30
"""Ten half-lives: what is older weighs less than a thousandth."""

Absence = Literal["too_few_items", "base_too_short", "base_without_variation"]


@dataclass(frozen=True, slots=True)
class NewsMood:
    """A coin's news at one moment.

    The z-scores are None where `absent` says why: missing is never nought. `items` are those of the last seven days.
    """

    items: int
    intensity: float
    net_negativity: float
    intensity_z: float | None
    net_negativity_z: float | None
    base_days: int
    absent: Absence | None


def news_mood(age_days: FloatArray, tone: FloatArray, *, collected_days: float) -> NewsMood:
    """The mood by the ages of a coin's items, in days before now, and their tones.

    Items as old as `BASE_DAYS + REACH_DAYS` matter. `collected_days` says how long news have been collected at all:
    days before that are no days without news, and are left out of the base.
    """
    if age_days.shape != tone.shape or (age_days < 0).any():
        raise ValueError("an age of no less than 0 and a tone for each item")
    base_days = int(min(BASE_DAYS, max(0.0, collected_days)))
    offsets = np.arange(0, base_days + 1, dtype=np.float64)  # now, and the same moment of each day before
    # Items x moments: the weight of an item at a moment, nothing before it was there.
    lag = age_days[:, None] - offsets[None, :]
    weight = np.where((lag >= 0) & (lag <= REACH_DAYS), np.exp2(-np.maximum(lag, 0.0) / HALF_LIFE_DAYS), 0.0)
    intensity = weight.sum(axis=0)
    negativity = -(weight * tone[:, None]).sum(axis=0)
    items = int((age_days <= WINDOW_DAYS).sum())
    intensity_z = negativity_z = None
    absent: Absence | None = None
    if items < MIN_ITEMS:
        absent = "too_few_items"
    elif base_days < MIN_BASE_DAYS:
        absent = "base_too_short"
    else:
        intensity_z, negativity_z = _z(intensity), _z(negativity)
        if intensity_z is None or negativity_z is None:
            intensity_z = negativity_z = None
            absent = "base_without_variation"
    return NewsMood(items, float(intensity[0]), float(negativity[0]), intensity_z, negativity_z, base_days, absent)


def _z(series: FloatArray) -> float | None:
    """The first value against the others; None where they do not differ."""
    base = series[1:]
    spread = float(base.std(ddof=1))
    return float((series[0] - base.mean()) / spread) if spread > 1e-9 else None
