"""Prices set by hand: they hold, whatever providers say, until they end or are withdrawn."""

import math
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from accounts.actions import audit, reasons
from accounts.models import User
from config.kernel import partitions
from config.kernel.errors import Conflict, ValidationFailed
from config.kernel.partitions import Period
from markets import sources
from markets.actions import market, quotes
from markets.models import Asset, PriceOverride, Quote, Snapshot
from markets.models.snapshot import TABLE as SNAPSHOTS
from markets.queries.rows import MANUAL

LOWEST_PRICE = 1e-18
HIGHEST_PRICE = 1e9


class OverrideOver(Conflict):
    code = "price_override_over"
    message = "This price has ended or has been withdrawn already."


@transaction.atomic
def set_price(asset: Asset, *, price: float, reason: str, ends_at: datetime, by: User, at: datetime) -> PriceOverride:
    """Quote `asset` at `price` US dollars until `ends_at`, and let no sync change that; one set before is withdrawn.

    The market cap follows the price, at the supply known so far; changes in per cent, which speak of another price,
    become unknown. Raises `ValidationFailed`.
    """
    reason = reasons.given(reason)
    if not LOWEST_PRICE <= price <= HIGHEST_PRICE:
        raise ValidationFailed(fields={"price": [f"Between {LOWEST_PRICE:g} and {HIGHEST_PRICE:,.0f} US dollars."]})
    if ends_at <= at:
        raise ValidationFailed(fields={"ends_at": ["This moment has passed."]})
    with connection.cursor() as cursor:
        quotes.lock(cursor)
    PriceOverride.objects.in_force(at).filter(asset=asset).update(withdrawn_at=at)
    override = PriceOverride.objects.create(
        asset=asset, price=price, reason=reason, starts_at=at, ends_at=ends_at, created_by=by
    )
    before = _quote(asset, price, at)
    market.touch(at=at)
    audit.record(
        "markets.price_override.set",
        actor=by,
        subject=override,
        at=at,
        reason=reason,
        before=before,
        after={"asset": asset.slug, "price": price, "ends_at": ends_at.isoformat()},
    )
    return override


@transaction.atomic
def withdraw(override: PriceOverride, *, by: User, reason: str, at: datetime) -> None:
    """End a price before its time: the next sync may replace it. Raises `OverrideOver` when it no longer holds."""
    reason = reasons.given(reason)
    if not PriceOverride.objects.in_force(at).filter(pk=override.pk).update(withdrawn_at=at):
        raise OverrideOver
    audit.record("markets.price_override.withdrawn", actor=by, subject=override, at=at, reason=reason)


def _quote(asset: Asset, price: float, at: datetime) -> dict[str, object]:
    """Write the quote and a snapshot of it; what the quote said before."""
    quote = Quote.objects.select_related("source").filter(pk=asset.pk).first()
    before: dict[str, object] = {"price": quote.price, "provider": quote.source.name} if quote is not None else {}
    quote = quote or Quote(asset=asset)
    quote.market_cap = _market_cap(quote, price)
    quote.price, quote.source_id = price, sources.id_of(MANUAL)
    # A provider's clock may be ahead of ours, and a quote never grows older: what it said would come as news again.
    is_behind = bool(before) and quote.as_of > at
    quote.as_of = quote.as_of + timedelta(microseconds=1) if is_behind else at
    quote.received_at = at
    quote.change_1h = quote.change_24h = quote.change_7d = None
    quote.save()
    partitions.ensure(SNAPSHOTS, [Period.month(quote.as_of.astimezone(UTC).date())])
    seen = Snapshot(
        asset=asset,
        at=quote.as_of,
        price=price,
        market_cap=quote.market_cap,
        volume=quote.volume_24h,
        source_id=quote.source_id,
    )
    Snapshot.objects.bulk_create([seen], ignore_conflicts=True)
    return before


def _market_cap(quote: Quote, price: float) -> float | None:
    supply = quote.circulating_supply
    if supply is None and quote.market_cap is not None and quote.price:
        supply = quote.market_cap / quote.price
    return supply * price if supply is not None and math.isfinite(supply * price) else None
