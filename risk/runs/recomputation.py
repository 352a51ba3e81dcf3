"""A stored score calculated again from what is stored now, and whether it is the same to the last bit."""

from dataclasses import dataclass
from typing import Any

from risk import frames
from risk.actions import risk_models
from risk.models import RiskScore, ScoreChunk
from risk.runs import scorecards

COMPARED = tuple(
    field.attname
    for field in RiskScore._meta.concrete_fields
    if field.name not in ("id", "run", "calculated_at", "as_of", "asset", "model")
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that is not what it was."""

    name: str
    stored: Any
    recomputed: Any


def recompute(score: RiskScore) -> list[Difference]:
    """What differs; nothing where all is as it was.

    Everybody of the run is measured again, since ranks need them all. Raises `ModelOfOtherFormulas` where this code is
    not what made the score.
    """
    run = score.run
    risk_models.require_own(score.model)
    asset_ids = [pk for ids in ScoreChunk.objects.filter(run=run).values_list("asset_ids", flat=True) for pk in ids]
    market = frames.market(asset_ids, through=run.as_of)
    found = scorecards.measured_all(run, asset_ids, market)
    rows = list(scorecards.cards(run, found, at=score.calculated_at))
    again = next(row for row in rows if row.asset_id == score.asset_id)
    differences = [
        Difference(name, getattr(score, name), getattr(again, name))
        for name in COMPARED
        if getattr(score, name) != getattr(again, name)
    ]
    if scorecards.checksum_of(market) != run.context_checksum:
        differences.append(Difference("market context", run.context_checksum, scorecards.checksum_of(market)))
    hashes = dict(RiskScore.objects.filter(run=run).values_list("asset_id", "input_hash"))
    others = sum(hashes[row.asset_id] != row.input_hash for row in rows if row.asset_id != score.asset_id)
    if differences and others:
        differences.append(Difference("inputs of other assets", "as scored", f"{others} have changed"))
    return differences
