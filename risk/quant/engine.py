"""Which of the two equal ways a loop over thousands of series runs."""

from enum import StrEnum
from functools import cache
from importlib.util import find_spec


class Engine(StrEnum):
    """Every step is the same to 1e-9; results carry the name of the one that made them.

    Where a likelihood is flat, a search of many steps ends a little elsewhere by each: of 389 real coins measurements
    then differed by up to 2e-7 and scores by less than 1e-6. A narrower stop does not help, for it is rounding.
    """

    NUMBA = "numba"
    NUMPY = "numpy"


@cache
def installed() -> Engine:
    """The compiled one, where its compiler is installed."""
    return Engine.NUMBA if find_spec("numba") else Engine.NUMPY
