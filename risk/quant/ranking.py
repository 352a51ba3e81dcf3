"""How well one order foretells another."""

import numpy as np

from risk.quant.arrays import FloatArray
from risk.quant.random_numbers import Stream
from risk.quant.ridge import ranks

FEWEST = 10


def spearman(first: FloatArray, second: FloatArray) -> float:
    """Rank correlation where both are known; NaN below ten pairs or where one does not vary."""
    known = ~np.isnan(first) & ~np.isnan(second)
    if np.count_nonzero(known) < FEWEST:
        return float("nan")
    a, b = ranks(np.column_stack([first[known], second[known]])).T
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else float("nan")


def area_under_curve(score: FloatArray, has_happened: FloatArray) -> float:
    """The chance that a case has a higher score than a non-case, ties half; Hanley and McNeil (1982), Radiology 143."""
    known = ~np.isnan(score) & ~np.isnan(has_happened)
    happened = has_happened[known] == 1
    cases, others = np.count_nonzero(happened), np.count_nonzero(~happened)
    if not cases or not others:
        return float("nan")
    place = ranks(score[known, None])[:, 0] * known.sum() + 0.5
    return float((place[happened].sum() - cases * (cases + 1) / 2) / (cases * others))


def tenths(score: FloatArray, outcome: FloatArray) -> FloatArray:
    """Mean outcome of each tenth of the scores, the lowest first."""
    known = np.flatnonzero(~np.isnan(score) & ~np.isnan(outcome))
    order = known[np.argsort(score[known], kind="stable")]
    return np.array([part.mean() if (part := outcome[chunk]).size else np.nan for chunk in np.array_split(order, 10)])


def monotone_steps(means: FloatArray) -> float:
    """The share of the nine steps between tenths that rise."""
    return float((np.diff(means) > 0).mean())


def block_interval(
    values: FloatArray, *, block: int, resamples: int, stream: Stream, coverage: float
) -> tuple[float, float]:
    """Percentile interval of a mean over dates by the moving-block bootstrap; Kuensch (1989), Annals of Stat. 17."""
    values = values[~np.isnan(values)]
    if values.size < block:
        return float("nan"), float("nan")
    blocks = -(-values.size // block)
    starts = stream.integers(values.size - block + 1, (resamples, blocks))
    places = (starts[:, :, None] + np.arange(block)).reshape(resamples, -1)[:, : values.size]
    means = np.sort(values[places].mean(axis=1))
    edge = (1 - coverage) / 2
    return float(np.quantile(means, edge)), float(np.quantile(means, 1 - edge))
