"""What is believed of a series before it is seen."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray, medians


@dataclass(frozen=True, slots=True)
class Prior:
    """What other series say of persistence and tail, for those too short to say it themselves: normal, in the
    coordinates of the search."""

    mean: FloatArray
    deviation: FloatArray


def prior_from(coordinates: FloatArray) -> Prior:
    """The same from where the searches ended."""
    known = coordinates[:, 2:].T
    mean = medians(known)
    deviation = 1.4826 * medians(np.abs(known - mean[:, None]))
    return Prior(mean, np.maximum(deviation, 0.1))
