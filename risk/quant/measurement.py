"""Assets of a day judged and measured, in parts: each is the same in any company."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray

from risk.quant import features, garch
from risk.quant.arrays import BoolArray, FloatArray, IntArray
from risk.quant.eligibility import Standing, eligibility
from risk.quant.estimation import Bootstrap
from risk.quant.features import FEATURES, LEVELS, WINDOW, YEAR, Market
from risk.quant.panel import Panel
from risk.quant.returns import believed
from risk.quant.status import is_ok

CONTEXT_DAYS = YEAR
"""Of everybody, from which the index is made."""
REFERENCE_DAYS = WINDOW + 1
FAILED = "failed"
ENDS = (0.05, 0.1, 0.9, 0.95)
"""Shares of the draws that the ends of the intervals of the estimate leave below."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of each asset before it is compared with others; a row an asset."""

    asset_ids: IntArray
    standing: NDArray[np.str_]
    """One of `Standing`, or `FAILED` with the reason in `error`."""
    error: NDArray[np.str_]
    is_pumped: BoolArray
    is_stale: BoolArray
    peg_distance: FloatArray
    """As in `Eligibility`."""
    bad_prints: IntArray
    observed: IntArray
    """Prices that are believed."""
    first_day: IntArray
    last_day: IntArray
    """Of these prices, days since 1970-01-01; -1 without any."""
    input_hash: NDArray[np.str_]
    values: FloatArray
    counts: IntArray
    market_cap: FloatArray
    beside: FloatArray
    """Assets x `features.BESIDE`."""
    beside_counts: IntArray
    returns: IntArray
    coordinates: FloatArray
    """Where the searches of long series ended; NaN for all others."""
    is_given: BoolArray
    """Whether a library found the parameters of its GARCH, for want of a top of the own search."""
    value_at_risk: FloatArray
    """Assets x `LEVELS`, log returns."""
    expected_shortfall: FloatArray
    value_at_risk_error: FloatArray
    expected_shortfall_error: FloatArray
    """Their standard errors, log returns; NaN where they are not known or nobody asked."""
    tail_method: NDArray[np.str_]
    tail_count: IntArray
    standard_errors: FloatArray
    """As in `features.Alone`."""
    basis: NDArray[np.str_]
    """One of `estimation.Basis`; empty where nobody asked."""
    errors: FloatArray
    """Assets x `ENDS`: quantiles of log sigma* less what it estimates."""

    def __len__(self) -> int:
        return len(self.asset_ids)

    @property
    def is_measured(self) -> BoolArray:
        return np.isin(self.standing, [str(Standing.ORDINARY), str(Standing.STABLECOIN)])

    @property
    def is_ordinary(self) -> BoolArray:
        """The ordinary assets with a volatility: those that are learnt from, and among which others are ranked."""
        return np.asarray((self.standing == Standing.ORDINARY) & ~np.isnan(self.values[:, 0]), dtype=np.bool_)

    def pack(self) -> bytes:
        """As bytes that hold every bit."""
        octets = io.BytesIO()
        # What numpy.savez_compressed makes, in less than half its time and a twentieth larger.
        with ZipFile(octets, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            for field in fields(self):
                with archive.open(f"{field.name}.npy", "w") as member:
                    np.lib.format.write_array(member, getattr(self, field.name), allow_pickle=False)
        return octets.getvalue()

    @classmethod
    def unpack(cls, octets: bytes) -> "Measured":
        with np.load(io.BytesIO(octets), allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    @classmethod
    def joined(cls, parts: Sequence["Measured"]) -> "Measured":
        """All of them, in this order."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )


def market(panel: Panel, *, reference: FloatArray | None) -> Market:
    """What a measurement needs to know of the market: index and tail of the ordinary assets whose prices are made
    daily, and bitcoin's returns.

    `panel` is the last `CONTEXT_DAYS` of everybody, `reference` the last `REFERENCE_DAYS` of bitcoin's prices.
    """
    judged = eligibility(panel.prices, panel.volumes)
    ordinary = np.flatnonzero(judged.standing == Standing.ORDINARY)
    made = ordinary[~judged.is_stale[ordinary]]
    index, pool = features.index_and_pool(judged.believed[made], panel.market_caps[made])
    if reference is None:
        return Market(index, np.full(len(index), np.nan), pool)
    return Market(index, features.reference_of(believed(reference[None])[0]), pool)


@dataclass(frozen=True, slots=True)
class Redraws:
    """By what the errors of estimation are found."""

    bootstrap: Bootstrap
    weights: FloatArray | None
    """Of `ESTIMATES` in log sigma*; None before a model has learnt them."""


def measured(
    panel: Panel,
    *,
    market: Market,
    prior: garch.Prior | None,
    input_hashes: Sequence[str] | None = None,
    redraws: Redraws | None = None,
) -> Measured:
    """Some assets, each of which is the same in any company; with the hashes of the panel, where they are kept, and
    with the errors of estimation, where they are asked for."""
    judged = eligibility(panel.prices, panel.volumes)
    prices = judged.believed
    column = np.arange(prices.shape[1])
    seen = ~np.isnan(prices)
    first = np.where(seen, column, column.size).min(axis=1, initial=column.size)
    last = np.where(seen, column, -1).max(axis=1, initial=-1)
    is_empty = judged.observations == 0
    blank = _blank(panel.asset_ids, input_hashes or [""] * len(panel.asset_ids), error="")
    result = replace(
        blank,
        standing=np.array([str(standing) for standing in judged.standing], dtype="U24"),
        is_pumped=judged.is_pumped,
        is_stale=judged.is_stale,
        peg_distance=judged.peg_distance,
        bad_prints=judged.bad_prints.sum(axis=1),
        observed=judged.observations.astype(np.int64),
        first_day=np.where(is_empty, -1, panel.first_day + first),
        last_day=np.where(is_empty, -1, panel.first_day + last),
    )
    rows = np.flatnonzero(result.is_measured)
    if not rows.size:
        return result
    alone = features.measure_alone(
        prices[rows],
        panel.volumes[rows],
        panel.market_caps[rows],
        market=market,
        prior=prior,
        is_stale=result.is_stale[rows],
        bootstrap=None if redraws is None else redraws.bootstrap,
    )
    is_long = is_ok(alone.fits.status) & (alone.observations >= features.GARCH_FREE_FROM)
    found = {
        "values": alone.values,
        "counts": alone.counts,
        "market_cap": alone.market_cap,
        "beside": alone.beside,
        "beside_counts": alone.beside_counts,
        "returns": alone.observations,
        "coordinates": np.where(is_long[:, None], alone.fits.coordinates, np.nan),
        "is_given": alone.fits.is_given,
        "value_at_risk": np.column_stack([tail.value_at_risk for tail in alone.tails]),
        "expected_shortfall": np.column_stack([tail.expected_shortfall for tail in alone.tails]),
        "tail_method": np.column_stack([tail.method for tail in alone.tails]).astype("U24"),
        "tail_count": np.column_stack([tail.observations for tail in alone.tails]),
        "standard_errors": alone.standard_errors,
    }
    if alone.errors is not None and redraws is not None:
        found["basis"] = np.array([str(basis) for basis in alone.errors.basis], dtype="U16")
        for kind, name in enumerate(("value_at_risk", "expected_shortfall")):
            # A mean above the losses makes gains of them, of which the error is no share.
            found[f"{name}_error"] = np.where(found[name] > 0, found[name] * alone.errors.tails[:, :, kind], np.nan)
        if redraws.weights is not None:
            found["errors"] = alone.errors.quantiles(redraws.weights, ENDS)
    for name, values in found.items():
        getattr(result, name)[rows] = values
    return result


def failed(asset_ids: Sequence[int], error: str) -> Measured:
    """Assets of which nothing could be worked out, and why."""
    return _blank(np.array(asset_ids, dtype=np.int64), [""] * len(asset_ids), error=error)


def _blank(asset_ids: IntArray, hashes: Sequence[str], *, error: str) -> Measured:
    size, levels = len(asset_ids), len(LEVELS)

    def nothing(*shape: int) -> FloatArray:
        return np.full(shape, np.nan)

    def none(*shape: int) -> IntArray:
        return np.zeros(shape, dtype=np.int64)

    return Measured(
        asset_ids=asset_ids.astype(np.int64),
        standing=np.full(size, FAILED, dtype="U24"),
        error=np.full(size, error, dtype="U200"),
        is_pumped=np.zeros(size, dtype=np.bool_),
        is_stale=np.zeros(size, dtype=np.bool_),
        peg_distance=nothing(size),
        bad_prints=none(size),
        observed=none(size),
        first_day=none(size) - 1,
        last_day=none(size) - 1,
        input_hash=np.array(hashes, dtype="U64"),
        values=nothing(size, len(FEATURES)),
        counts=none(size, len(FEATURES)),
        market_cap=nothing(size),
        beside=nothing(size, len(features.BESIDE)),
        beside_counts=none(size, len(features.BESIDE)),
        returns=none(size),
        coordinates=nothing(size, 5),
        is_given=np.zeros(size, dtype=np.bool_),
        value_at_risk=nothing(size, levels),
        expected_shortfall=nothing(size, levels),
        value_at_risk_error=nothing(size, levels),
        expected_shortfall_error=nothing(size, levels),
        tail_method=np.full((size, levels), "", dtype="U24"),
        tail_count=none(size, levels),
        standard_errors=nothing(size, len(FEATURES)),
        basis=np.full(size, "", dtype="U16"),
        errors=nothing(size, len(ENDS)),
    )
