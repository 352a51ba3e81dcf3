"""A stored score calculated again from what is stored now, and whether it is the same to the last bit."""

import hashlib
from dataclasses import dataclass
from typing import Any

from risk import frames
from risk.actions import risk_models
from risk.models import RiskScore, ScoreChunk
from risk.runs import course, scorecards

COMPARED = tuple(
    field.attname
    for field in RiskScore._meta.concrete_fields
    if field.name not in ("id", "run", "calculated_at", "as_of", "asset", "model", "context_hash")
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that is not what it was."""

    name: str
    stored: Any
    recomputed: Any


def recompute(score: RiskScore) -> list[Difference]:
    """What differs; nothing where all is as it was.

    Everybody of the run is measured again, since ranks need them all; news are read as they were known at the run's
    `news_at`, in the words of then, as the run's scorer had judged them. `context: ...` says which of `CONTEXT` is not
    what it was. Raises `ModelOfOtherFormulas` where this code is not what made the score.
    """
    run = score.run
    risk_models.require_own(score.model)
    asset_ids = [pk for ids in ScoreChunk.objects.filter(run=run).values_list("asset_ids", flat=True) for pk in ids]
    market = frames.market(asset_ids, through=run.as_of)
    found = course.measured_all(run, asset_ids, market)
    rows = list(scorecards.cards(run, found, at=score.calculated_at))
    again = next(row for row in rows if row.asset_id == score.asset_id)
    differences = [
        Difference(name, getattr(score, name), getattr(again, name))
        for name in COMPARED
        if getattr(score, name) != getattr(again, name)
    ]
    checksum = hashlib.sha256(market.pack()).hexdigest()
    if checksum != run.context_checksum:
        differences.append(Difference("market context", run.context_checksum, checksum))
    if score.context_hash:  # earlier releases noted none
        before, now = (scorecards.context_parts(row.context_hash) for row in (score, again))
        differences += [
            Difference(f"context: {name}", before[name], now[name]) for name in before if before[name] != now[name]
        ]
    stored = RiskScore.objects.filter(run=run).values_list("asset_id", "input_hash", "context_hash")
    hashes = {asset_id: (inputs, context) for asset_id, inputs, context in stored}
    others = sum(
        hashes[row.asset_id] != (row.input_hash, row.context_hash if score.context_hash else "")
        for row in rows
        if row.asset_id != score.asset_id
    )
    if differences and others:
        differences.append(Difference("inputs of other assets", "as scored", f"{others} have changed"))
    return differences
