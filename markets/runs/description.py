"""What changes rarely about assets: description, website, picture, categories."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils.html import strip_tags

from markets import feeds, sources
from markets.actions import assets, market, raw_answers
from markets.models import Asset, ExternalId
from markets.providers.errors import NotFound, ProviderError
from markets.providers.provider import Describer, Details

DEFAULT_LIMIT = 20
DESCRIBE_AGAIN_AFTER = timedelta(days=30)
MAX_DESCRIPTION = 20_000

log = structlog.get_logger(__name__)


def perform(limit: int, *, now: Callable[[], datetime]) -> int:
    """Describe up to `limit` assets, the largest first, that were not described for a month; how many were.

    A provider that knows no descriptions (a simulated market's) gives none; one that fails ends the run, since the
    next asset would meet the same failure.
    """
    provider = feeds.providers()[0]
    if not isinstance(provider, Describer):
        return 0
    described = 0
    for known in _due(provider.name, limit, at=now()):
        try:
            answer, details = provider.details(known.external_id)
        except NotFound:
            Asset.objects.filter(pk=known.asset_id).update(described_at=now())
            continue
        except ProviderError as error:
            log.warning("description.stopped", asset=known.asset.slug, code=error.code)
            break
        raw_answers.keep(answer)
        describe(known.asset, details, at=now())
        described += 1
    log.info("description.done", described=described)
    return described


@transaction.atomic
def describe(asset: Asset, details: Details, *, at: datetime) -> None:
    """Store what a provider says about an asset, as plain text; only web addresses are taken for addresses."""
    Asset.objects.filter(pk=asset.pk).update(
        description=strip_tags(details.description).replace("\0", "")[:MAX_DESCRIPTION],
        website=_web_address(details.website),
        image=_web_address(details.image) or asset.image,
        described_at=at,
    )
    assets.categorise([(asset, details.categories)])
    market.touch(at=at)


def _due(provider: str, limit: int, *, at: datetime) -> list[ExternalId]:
    due = Q(asset__described_at__isnull=True) | Q(asset__described_at__lt=at - DESCRIBE_AGAIN_AFTER)
    return list(
        ExternalId.objects.filter(due, source_id=sources.id_of(provider), asset__is_active=True)
        .select_related("asset")
        .order_by(F("asset__quote__rank").asc(nulls_last=True), "asset_id")[:limit]
    )


def _web_address(text: str) -> str:
    try:
        address = urlsplit(text)
    except ValueError:
        return ""
    is_address = text.isprintable() and address.scheme in ("http", "https") and address.netloc
    return text if is_address and len(text) <= 500 else ""
