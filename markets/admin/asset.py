import hashlib
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.filters import SimpleListFilter
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from config.kernel.rendering import dumps
from markets import frames
from markets.actions import assets
from markets.admin import amounts, badges
from markets.admin.chart import price_chart
from markets.models import Asset, ExternalId, PriceOverride

RANGES = {"30d": 30, "90d": 90, "1y": 365, "3y": 1_095, "all": None}
"""What `?range=` of the chart may be, in days back from the last bar; None is everything."""
DEFAULT_RANGE = "1y"
DIVERGENCES_SHOWN = 10


class StaleFilter(SimpleListFilter):
    title = "freshness"
    parameter_name = "freshness"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("fresh", "fresh"), ("stale", "stale or without a quote")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Asset]) -> QuerySet[Asset]:
        at = clock.now()
        if self.value() == "fresh":
            return queryset.filter(pk__in=Asset.objects.fresh(at))
        return queryset.filter(pk__in=Asset.objects.stale(at)) if self.value() == "stale" else queryset


class SimulatedFilter(SimpleListFilter):
    title = "prices"
    parameter_name = "prices"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("real", "real"), ("simulated", "simulated")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Asset]) -> QuerySet[Asset]:
        if self.value() is None:
            return queryset
        return queryset.filter(quote__source__is_simulated=self.value() == "simulated")


class AssetForm(forms.ModelForm):
    """What people may say about an asset; the rest comes from the providers."""

    website = forms.URLField(required=False, max_length=500, assume_scheme="https", widget=AdminURLFieldWidget)
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 2, "cols": 80}), help_text="Kept in the audit trail."
    )
    version = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Asset
        fields = ["description", "website", "categories", "is_active"]
        widgets = {"description": forms.Textarea(attrs={"rows": 5, "cols": 80})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = _version(self.instance)

    def clean(self) -> dict[str, Any] | None:
        # Locked until the change is stored: nobody can come between.
        current = Asset.objects.select_for_update().get(pk=self.instance.pk)
        if self.cleaned_data.get("version") != _version(current):
            raise ValidationError(
                "Somebody changed this asset after you opened it. Open it again, then make your change."
            )
        return super().clean()


def _version(asset: Asset) -> str:
    return hashlib.sha256(dumps(assets.description_of(asset))).hexdigest()


class ExternalIdInline(admin.TabularInline):
    model = ExternalId
    verbose_name_plural = "what providers call it"
    fields = ["source", "external_id"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExternalId]:
        return super().get_queryset(request).select_related("source")


@admin.register(Asset)
class AssetAdmin(ReadOnlyAdmin):
    """Assets come from providers and stay: one that is not wanted any more is made inactive, its history is kept."""

    form = AssetForm
    list_display = ["symbol", "name", "usd", "cap", "as_of", "provider", "signs"]
    list_display_links = ["symbol", "name"]
    list_filter = ["is_active", SimulatedFilter, StaleFilter, "categories"]
    list_select_related = ["quote__source"]
    list_per_page = 50
    search_fields = ["symbol", "name", "slug"]
    ordering = [Coalesce("quote__market_cap", Value(-1.0)).desc(), "pk"]
    autocomplete_fields = ["categories"]
    readonly_fields = ["symbol", "name", "slug", "picture", "bars_from", "bars_to", "created_at"]
    inlines = [ExternalIdInline]

    @admin.display(description="price (USD)", ordering=Coalesce("quote__price", Value(-1.0)))
    def usd(self, asset: Asset) -> str:
        quote = badges.quote_of(asset)
        return amounts.usd(quote.price if quote else None)

    @admin.display(description="market cap (USD)", ordering=Coalesce("quote__market_cap", Value(-1.0)))
    def cap(self, asset: Asset) -> str:
        quote = badges.quote_of(asset)
        return amounts.whole(quote.market_cap if quote else None)

    @admin.display(description="as of", ordering="quote__as_of", empty_value=amounts.MISSING)
    def as_of(self, asset: Asset) -> Any:
        quote = badges.quote_of(asset)
        return quote.as_of if quote else None

    @admin.display(description="provider", ordering="quote__source__name", empty_value=amounts.MISSING)
    def provider(self, asset: Asset) -> str | None:
        quote = badges.quote_of(asset)
        return quote.source.name if quote else None

    @admin.display(description="state")
    def signs(self, asset: Asset) -> SafeString:
        return badges.of_asset(asset, clock.now())

    @admin.display(description="picture", empty_value=amounts.MISSING)
    def picture(self, asset: Asset) -> SafeString | None:
        # A link, not the picture: looking at an asset tells no other site about it.
        if not asset.image:
            return None
        return format_html('<a href="{0}" rel="noreferrer noopener">{0}</a>', asset.image)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("markets.change_asset")

    def get_fieldsets(self, request: HttpRequest, obj: Asset | None = None) -> Any:
        editable = ["description", "website", "categories", "is_active"]
        if self.has_change_permission(request, obj):
            editable += ["reason", "version"]
        return [
            (None, {"fields": editable}),
            (
                "From the providers",
                {"fields": [("symbol", "name", "slug"), "picture", ("bars_from", "bars_to", "created_at")]},
            ),
        ]

    def save_model(self, request: HttpRequest, obj: Asset, form: Any, change: bool) -> None:
        said = form.cleaned_data
        assets.describe(
            obj,
            description=said["description"],
            website=said["website"],
            categories=said["categories"],
            is_active=said["is_active"],
            by=signed_in(request),
            reason=said["reason"],
            at=clock.now(),
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        # Without `super`, which would store the categories again.
        for formset in formsets:
            self.save_formset(request, form, formset, change)

    def shown_beside(self, request: HttpRequest, obj: Asset) -> dict[str, Any]:
        may_set_price = request.user.has_perm("markets.add_priceoverride")
        return {**_market_context(obj, request.GET.get("range", DEFAULT_RANGE)), "may_set_price": may_set_price}


def _market_context(asset: Asset, wanted: str) -> dict[str, Any]:
    """The picture and the latest numbers above the form."""
    at = clock.now()
    shown = wanted if wanted in RANGES else DEFAULT_RANGE
    quote = badges.quote_of(asset)
    return {
        "chart": _chart(asset, RANGES[shown]),
        "chart_range": shown,
        "chart_ranges": list(RANGES),
        "quote": quote,
        "quote_rows": [
            ("Price", f"{amounts.usd(quote.price)} USD"),
            ("Market cap", f"{amounts.whole(quote.market_cap)} USD"),
            ("Volume 24 h", f"{amounts.whole(quote.volume_24h)} USD"),
            ("Change 24 h", amounts.per_cent(quote.change_24h)),
            ("Change 7 d", amounts.per_cent(quote.change_7d)),
            ("Rank", amounts.whole(quote.rank)),
        ]
        if quote
        else [],
        "signs": badges.of_asset(asset, at),
        "override": PriceOverride.objects.in_force(at).filter(asset=asset).select_related("created_by").first(),
        "divergences": [
            (row, amounts.usd(row.price), amounts.usd(row.other_price), amounts.per_cent(row.deviation))
            for row in asset.divergences.all()[:DIVERGENCES_SHOWN]
        ],
    }


def _chart(asset: Asset, days: int | None) -> SafeString | None:
    if asset.bars_from is None or asset.bars_to is None:
        return None
    end = asset.bars_to + timedelta(days=1)
    start = asset.bars_from if days is None else max(asset.bars_from, end - timedelta(days=days))
    frame = frames.price_frame([asset.pk], start=start, end=end)
    return price_chart(frame.values[0], start, title=f"{asset.name} ({asset.symbol}), daily close in USD")
