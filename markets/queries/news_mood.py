"""What the news of each asset looks like at a moment, for whoever weighs it, with the items that say so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Min

from config.kernel.many import any_of
from markets.models import NewsItem, NewsMention, NewsScore, NewsWording
from markets.sentiment import daily, scorer
from markets.sentiment.daily import NewsMood

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AssetMood:
    """The mood of an asset's news, the version that judged them, and the items of the last seven days behind it.

    `events` are what those items assert, each kind with the items that do.
    """

    asset_id: int
    as_of: datetime
    model_version: str
    mood: NewsMood
    evidence: Sequence[int]
    events: Mapping[str, Sequence[int]]


def moods(
    asset_ids: Sequence[int], *, at: datetime, model_version: str | None = None, judged_by: datetime | None = None
) -> dict[int, AssetMood]:
    """The mood of each asset by what was known at `at`: items published by then and seen by us by then, in the words
    that they had then.

    Every asset has one; without enough news it says so in `mood.absent`. With `judged_by` scores of a later moment do
    not count, so that what was read once can be read again. In four queries, however many assets.
    """
    version = model_version or scorer.model_version()
    collected_from = NewsItem.objects.aggregate(first=Min("fetched_at"))["first"]
    collected_days = 0.0 if collected_from is None else max(0.0, (at - collected_from) / _DAY)
    known: dict[str, object] = {
        "item__published_at__gt": at - (daily.BASE_DAYS + daily.REACH_DAYS) * _DAY,
        "item__published_at__lte": at,
        "item__fetched_at__lte": at,
    }
    # Of several wordings that stood later the one that was replaced first stood then.
    stood = NewsWording.objects.filter(**known, replaced_at__gt=at).select_related("item")
    wordings = {wording.item_id: wording for wording in stood.order_by("-replaced_at", "-id")}
    # Looked up apart: a score is one of an item, whatever number of assets the item is about.
    rows = [
        row
        for row in NewsMention.objects.filter(**known, asset_id__in=any_of(asset_ids)).values_list(
            "asset_id", "item_id", "item__published_at"
        )
        if row[1] not in wordings
    ]
    judged = NewsScore.objects.filter(model_version=version, item_id__in=any_of({item_id for _, item_id, _ in rows}))
    if judged_by is not None:
        judged = judged.filter(scored_at__lte=judged_by)
    scores = {item_id: (tone, events) for item_id, tone, events in judged.values_list("item_id", "tone", "events")}
    asked = set(asset_ids)
    for item_id, wording in wordings.items():
        said = wording.scores.get(version)
        if said is None or (judged_by is not None and datetime.fromisoformat(said["scored_at"]) > judged_by):
            continue
        scores[item_id] = (said["tone"], said["events"])
        rows += [(asset_id, item_id, wording.item.published_at) for asset_id in wording.asset_ids if asset_id in asked]
    by_asset: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for asset_id, item_id, published_at in sorted(rows, key=lambda row: (row[2], row[1]), reverse=True):
        if item_id in scores:
            by_asset[asset_id].append((item_id, (at - published_at) / _DAY))
    # Of most assets nobody writes; their mood is the same.
    quiet = daily.news_mood(np.array([]), np.array([]), collected_days=collected_days)
    return {
        asset_id: _mood(asset_id, by_asset[asset_id], scores, at, version, collected_days)
        if asset_id in by_asset
        else AssetMood(asset_id, at, version, quiet, [], {})
        for asset_id in asset_ids
    }


def _mood(
    asset_id: int,
    items: Sequence[tuple[int, float]],
    scores: Mapping[int, tuple[float, Sequence[str]]],
    at: datetime,
    version: str,
    collected_days: float,
) -> AssetMood:
    ages = np.array([age for _, age in items], dtype=np.float64)
    tones = np.array([scores[item_id][0] for item_id, _ in items], dtype=np.float64)
    evidence = [item_id for item_id, age in items if age <= daily.WINDOW_DAYS]
    events: dict[str, list[int]] = {}
    for item_id in evidence:
        for kind in scores[item_id][1]:
            events.setdefault(kind, []).append(item_id)
    mood = daily.news_mood(ages, tones, collected_days=collected_days)
    return AssetMood(asset_id, at, version, mood, evidence, events)
