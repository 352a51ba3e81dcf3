"""Which asset stands for which: told by people, for prices do not say it."""

from datetime import datetime

from django.db import transaction

from accounts.actions import audit, reasons
from accounts.models import User
from config.kernel.errors import NotFound, ValidationFailed
from markets.models import Asset
from risk.models import Wrapping


class WrappingGone(NotFound):
    code = "wrapping_not_found"
    message = "This wrapping has been withdrawn."


@transaction.atomic
def declare(asset: Asset, underlying: Asset, *, by: User, reason: str, at: datetime) -> Wrapping:
    """Say that `asset` stands for `underlying`: from the next run on it is at least as risky.

    Raises `ValidationFailed` as `require_possible` does, and without a reason.
    """
    reason = reasons.given(reason)
    require_possible(asset, underlying)
    wrapping = Wrapping.objects.create(asset=asset, underlying=underlying)
    audit.record(
        "risk.wrapping.declared",
        actor=by,
        subject=wrapping,
        at=at,
        reason=reason,
        after={"asset": asset.slug, "underlying": underlying.slug},
    )
    return wrapping


@transaction.atomic
def change(wrapping: Wrapping, underlying: Asset, *, by: User, reason: str, at: datetime) -> None:
    """Say that the asset stands for another one than was said. Raises as `declare` does, and `WrappingGone`."""
    reason = reasons.given(reason)
    require_possible(wrapping.asset, underlying, instead_of=wrapping)
    current = (
        Wrapping.objects.select_for_update(of=["self"]).select_related("underlying").filter(pk=wrapping.pk).first()
    )
    if current is None:
        raise WrappingGone
    Wrapping.objects.filter(pk=wrapping.pk).update(underlying=underlying)
    audit.record(
        "risk.wrapping.changed",
        actor=by,
        subject=wrapping,
        at=at,
        reason=reason,
        before={"underlying": current.underlying.slug},
        after={"underlying": underlying.slug},
    )


@transaction.atomic
def withdraw(wrapping: Wrapping, *, by: User, reason: str, at: datetime) -> None:
    """Say that the asset stands for no other one; scores that are stored stay as they are. Raises `WrappingGone`."""
    reason = reasons.given(reason)
    if not Wrapping.objects.filter(pk=wrapping.pk).delete()[0]:
        raise WrappingGone
    audit.record(
        "risk.wrapping.withdrawn",
        actor=by,
        subject=wrapping,
        at=at,
        reason=reason,
        before={"asset": wrapping.asset.slug, "underlying": wrapping.underlying.slug},
    )


def require_possible(asset: Asset, underlying: Asset, *, instead_of: Wrapping | None = None) -> None:
    """Raise `ValidationFailed`, with a sentence a field, unless the one may stand for the other.

    Both are other ones and listed, and there is one step only: what stands for an asset is told of the asset itself, so
    that no circle can come about, and the score is that of what it stands for in the end. Locks both assets until the
    transaction ends: of two who tell contrary things at once the second is refused.
    """
    fields: dict[str, list[str]] = {}
    listed = {row.pk: row.is_active for row in _locked(asset, underlying)}
    others = Wrapping.objects.select_related("asset", "underlying")
    if instead_of is not None:
        others = others.exclude(pk=instead_of.pk)
    for name, one in (("asset", asset), ("underlying", underlying)):
        if not listed.get(one.pk):
            fields[name] = [f"{one} is not listed, and only listed assets are scored."]
    if asset.pk == underlying.pk:
        fields["underlying"] = ["An asset does not stand for itself: choose the one that it is redeemed for."]
    elif (said := others.filter(asset=asset).first()) is not None:
        fields["asset"] = [f"It stands for {said.underlying} already: change that row, or withdraw it."]
    elif (beyond := others.filter(asset=underlying).first()) is not None:
        fields["underlying"] = [
            f"It stands for {asset} itself: withdraw that row if it is the other way round."
            if beyond.underlying_id == asset.pk
            else f"It stands for {beyond.underlying} itself: choose that one."
        ]
    elif (before := others.filter(underlying=asset).first()) is not None:
        fields["asset"] = [f"{before.asset} stands for it: let that one stand for {underlying} first."]
    if fields:
        raise ValidationFailed("The one cannot stand for the other.", fields=fields)


def _locked(*assets: Asset) -> list[Asset]:
    # In one order, so that two who name the same assets do not wait for each other.
    rows = Asset.objects.filter(pk__in=[asset.pk for asset in assets]).order_by("pk")
    return list(rows.select_for_update(no_key=True))
