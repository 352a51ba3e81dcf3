"""Giving every coin that a provider names its asset, and keeping what is known about it up to date."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import cast

import numpy as np
from django.db import transaction
from django.utils.text import slugify
from numpy.typing import NDArray

from accounts.actions import audit, reasons
from accounts.models import User
from config.kernel.binary_copy import binary_cursor
from markets.actions import market
from markets.models import Asset, Category, ExternalId
from markets.providers.bars import Bars
from markets.providers.listings import Listings
from markets.providers.normalise import SYMBOL_LIMIT, texts


def adopt(listings: Listings, *, source_id: int, at: datetime) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The asset id of each row, and which rows this source names for the first time.

    Unknown coins get an asset, known ones their new symbol, name and picture.

    A coin that this source never named before is matched to an asset of the same slug and symbol, else to the only one
    of the same symbol and name that no other row has the slug of; otherwise it is a new asset with a slug of its own.
    """
    named = _named(source_id, listings.external_id)
    if _refresh(listings, named):
        market.touch(at=at)
    ids = {external_id: asset_id for external_id, asset_id, *_ in named.values()}
    unknown = [index for index, external_id in enumerate(listings.external_id) if external_id not in ids]
    if unknown:
        ids |= _create(listings, unknown, source_id)
    is_first = np.zeros(len(listings), dtype=bool)
    is_first[unknown] = True
    return np.array([ids[external_id] for external_id in listings.external_id], dtype=np.int32), is_first


def detach(external_ids: Collection[str], *, source_id: int) -> None:
    """Take back that these ids of a source mean the assets they were matched to."""
    if external_ids:
        ExternalId.objects.filter(source_id=source_id, external_id__in=external_ids).delete()


def recognise(listings: Listings, *, source_id: int) -> dict[str, int]:
    """The assets that are known already among the rows, by external id; nothing new is made."""
    known = _known(source_id, listings.external_id)
    unknown = [index for index, external_id in enumerate(listings.external_id) if external_id not in known]
    wanted = [_draft(listings, index) for index in unknown]
    _attach(wanted, [listings.external_id[index] for index in unknown], known, source_id, may_create=False)
    return {external_id: asset.pk for external_id, asset in known.items()}


def by_key(bars: Bars, *, source_id: int) -> list[Asset]:
    """The asset of each key of some bars, made where there is none."""
    known = _known(source_id, bars.keys)
    missing = [index for index, key in enumerate(bars.keys) if key not in known]
    if missing:
        wanted = []
        for index in missing:
            symbol, name = bars.symbols[index] or bars.keys[index], bars.names[index]
            slug = slugify(name) or slugify(bars.keys[index]) or slugify(symbol) or "coin"
            wanted.append(Asset(slug=slug, symbol=_upper(symbol), name=name or symbol))
        _attach(wanted, [bars.keys[index] for index in missing], known, source_id)
    return [known[key] for key in bars.keys]


@transaction.atomic
def describe(
    asset: Asset,
    *,
    description: str,
    website: str,
    categories: Collection[Category],
    is_active: bool,
    by: User,
    reason: str,
    at: datetime,
) -> None:
    """Say anew what an asset is, and whether it is listed. Raises `ValidationFailed` without a reason."""
    reason = reasons.given(reason)
    current = Asset.objects.select_for_update().get(pk=asset.pk)
    before = description_of(current)
    current.description, current.website, current.is_active = description, website, is_active
    current.save(update_fields=["description", "website", "is_active"])
    current.categories.set(categories)
    after = description_of(current)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return
    market.touch(at=at)
    audit.record(
        "markets.asset.described",
        actor=by,
        subject=asset,
        at=at,
        reason=reason,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )


def description_of(asset: Asset) -> dict[str, object]:
    """What `describe` may change, as it is stored."""
    return {
        "description": asset.description,
        "website": asset.website,
        "is_active": asset.is_active,
        "categories": sorted(asset.categories.values_list("slug", flat=True)),
    }


_Named = tuple[str, int, str, str, str]
"""An external id, and id, symbol, name and picture of its asset."""


def _named(source_id: int, external_ids: Sequence[str]) -> dict[str, _Named]:
    """The assets that a source has named before, without the cost of model instances: a sync asks for all of them."""
    with binary_cursor() as cursor:
        cursor.execute(
            "SELECT e.external_id, a.id, a.symbol, a.name, a.image"
            " FROM markets_externalid e JOIN markets_asset a ON a.id = e.asset_id"
            " WHERE e.source_id = %s AND e.external_id = ANY(%s)",
            [source_id, list(external_ids)],
        )
        return {row[0]: cast("_Named", row) for row in cursor.fetchall()}


def _known(source_id: int, external_ids: Sequence[str]) -> dict[str, Asset]:
    found = ExternalId.objects.filter(source_id=source_id, external_id__in=external_ids).select_related("asset")
    return {item.external_id: item.asset for item in found}


def _refresh(listings: Listings, named: Mapping[str, _Named]) -> bool:
    """Write what is said anew about assets; whether anything was."""
    said: dict[int, tuple[str, str, str]] = {}
    for external_id, symbol, name, image in zip(
        listings.external_id, listings.symbol, listings.name, listings.image, strict=True
    ):
        known = named.get(external_id)
        if known is None:
            continue
        _, asset_id, old_symbol, old_name, old_image = known
        symbol, image = _upper(symbol), image or old_image
        if name != old_name or symbol != old_symbol or image != old_image:
            said[asset_id] = symbol, name, image
    if said:
        changed = list(Asset.objects.filter(pk__in=said))
        for asset in changed:
            asset.symbol, asset.name, asset.image = said[asset.pk]
            asset.set_keys()
        Asset.objects.bulk_update(changed, ["symbol", "name", "image", "name_key", "search_key"], batch_size=1_000)
    return bool(said)


def _create(listings: Listings, unknown: Sequence[int], source_id: int) -> dict[str, int]:
    """The ids of the assets of rows that the source had not named before."""
    known: dict[str, Asset] = {}
    wanted = [_draft(listings, index) for index in unknown]
    _attach(wanted, [listings.external_id[index] for index in unknown], known, source_id)
    categorise([(known[listings.external_id[index]], listings.categories[index]) for index in unknown])
    return {external_id: asset.pk for external_id, asset in known.items()}


def _draft(listings: Listings, index: int) -> Asset:
    symbol = listings.symbol[index]
    slug = slugify(listings.slug[index]) or slugify(listings.name[index]) or slugify(symbol) or "coin"
    return Asset(slug=slug, symbol=_upper(symbol), name=listings.name[index], image=listings.image[index])


def _attach(
    wanted: Sequence[Asset],
    external_ids: Sequence[str],
    known: dict[str, Asset],
    source_id: int,
    *,
    may_create: bool = True,
) -> None:
    """Match or make the wanted assets and remember their external ids."""
    by_slug, by_name = _candidates(wanted, source_id)
    taken = set(Asset.objects.values_list("slug", flat=True)) if may_create else set()
    new: list[Asset] = []
    attached: list[str] = []
    of_slug: dict[str, Asset] = {}
    for external_id, asset in zip(external_ids, wanted, strict=True):
        asset.set_keys()
        # One asset answers to one id of a source. A slug says more than a name, which anybody may imitate: the rows
        # that have one choose first.
        if (match := by_slug.pop((asset.symbol, asset.slug), None)) is not None:
            of_slug[external_id] = match
            by_name.pop((match.symbol, match.name_key), None)
    for external_id, asset in zip(external_ids, wanted, strict=True):
        match = of_slug.get(external_id)
        if match is None and len(same_name := by_name.get((asset.symbol, asset.name_key), [])) == 1:
            match = same_name.pop()
        if match is None and not may_create:
            continue
        if match is None:
            asset.slug = _free_slug(asset, taken)
            asset.set_keys()
            taken.add(asset.slug)
            new.append(asset)
            match = asset
        known[external_id] = match
        attached.append(external_id)
    Asset.objects.bulk_create(new, batch_size=2_000)
    ExternalId.objects.bulk_create(
        [ExternalId(source_id=source_id, external_id=name, asset=known[name]) for name in attached], batch_size=2_000
    )


def _candidates(
    wanted: Sequence[Asset], source_id: int
) -> tuple[dict[tuple[str, str], Asset], dict[tuple[str, str], list[Asset]]]:
    """Assets that this source has not named yet, by symbol and slug and by symbol and name."""
    free = Asset.objects.filter(symbol__in={asset.symbol for asset in wanted}).exclude(
        external_ids__source_id=source_id
    )
    by_slug: dict[tuple[str, str], Asset] = {}
    by_name: dict[tuple[str, str], list[Asset]] = defaultdict(list)
    for asset in free:
        by_slug[asset.symbol, asset.slug] = asset
        by_name[asset.symbol, asset.name_key].append(asset)
    return by_slug, by_name


def _upper(symbol: str) -> str:
    """As an asset bears it: in upper case, which may be longer than what was written."""
    return symbol.upper()[:SYMBOL_LIMIT]


def _free_slug(asset: Asset, taken: set[str]) -> str:
    base = asset.slug[:100]
    if base not in taken:
        return base
    base = f"{base}-{slugify(asset.symbol) or 'coin'}"[:110]
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    return slug


def categorise(assets: Sequence[tuple[Asset, tuple[str, ...]]]) -> None:
    """Put assets into the categories that a provider names, besides those that they are in."""
    assets = [(asset, tuple(texts(names))) for asset, names in assets]
    wanted = {slugify(name)[:100]: name[:100] for _, names in assets for name in names if slugify(name)}
    if not wanted:
        return
    Category.objects.bulk_create(
        [Category(slug=slug, name=name) for slug, name in wanted.items()], ignore_conflicts=True
    )
    ids = dict(Category.objects.filter(slug__in=wanted).values_list("slug", "pk"))
    links = {(asset.pk, ids[slugify(name)[:100]]) for asset, names in assets for name in names if slugify(name)}
    through = Asset.categories.through
    through.objects.bulk_create(
        [through(asset_id=asset_id, category_id=category_id) for asset_id, category_id in links],
        ignore_conflicts=True,
        batch_size=5_000,
    )
