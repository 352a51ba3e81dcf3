"""Whether a number could be computed, and if not, why."""

from enum import StrEnum

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, LabelArray


class Status(StrEnum):
    """Of one asset's number. Everything but `OK` comes with NaN, never with zero."""

    OK = "ok"
    TOO_FEW_OBSERVATIONS = "too_few_observations"
    CONSTANT = "constant"
    STALE = "stale"
    """Too many returns are exactly zero: a price that nobody makes."""
    NOT_CONVERGED = "not_converged"
    NO_TAIL_MODEL = "no_tail_model"
    """The excesses have no finite mean, or do not differ."""


def statuses(*reasons: tuple[Status, BoolArray], size: int) -> LabelArray:
    """The first reason that applies to each asset, else `OK`."""
    labels = np.empty(size, dtype=object)
    labels.fill(Status.OK)
    for status, applies in reversed(reasons):
        labels[applies] = status
    return labels


def is_ok(labels: LabelArray) -> BoolArray:
    """Which assets have their number."""
    return np.array([label is Status.OK for label in labels], dtype=np.bool_)


def where_ok(labels: LabelArray, values: FloatArray) -> FloatArray:
    """The values, NaN where there is a reason against them."""
    return np.where(is_ok(labels), values, np.nan)
