"""Small signs beside a row: what one must know before believing its numbers."""

from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from markets.freshness import fresh_until
from markets.models import Asset, Quote
from markets.queries.rows import MANUAL


def badge(kind: str, text: str) -> SafeString:
    """One sign; `kind` picks its colours in admin.css."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def of_quote(quote: Quote | None, at: datetime) -> SafeString:
    """Whether a quote is missing, stale, simulated or set by hand."""
    return format_html_join(" ", "{}", ((sign,) for sign in _signs(quote, at)))


def of_asset(asset: Asset, at: datetime) -> SafeString:
    """The signs of its quote, and whether the asset is listed."""
    signs = [] if asset.is_active else [badge("off", "inactive")]
    return format_html_join(" ", "{}", ((sign,) for sign in [*signs, *_signs(quote_of(asset), at)]))


def quote_of(asset: Asset) -> Quote | None:
    """The asset's quote, where it has one."""
    quote: Quote | None = getattr(asset, "quote", None)
    return quote


def _signs(quote: Quote | None, at: datetime) -> list[SafeString]:
    if quote is None:
        return [badge("stale", "no quote")]
    signs = []
    if fresh_until(quote.as_of, quote.rank) <= at:
        signs.append(badge("stale", "stale"))
    if quote.source.is_simulated:
        signs.append(badge("simulated", "simulated"))
    if quote.source.name == MANUAL:
        signs.append(badge("manual", "set by hand"))
    return signs
