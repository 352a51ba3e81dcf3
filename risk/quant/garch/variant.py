"""Which of the models it is."""

from enum import StrEnum


class Innovation(StrEnum):
    NORMAL = "normal"
    STUDENT = "student"


class Asymmetry(StrEnum):
    """Whether falls move the variance more than rises."""

    NONE = "none"
    GJR = "gjr"
