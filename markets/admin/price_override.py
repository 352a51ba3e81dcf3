from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.filters import SimpleListFilter
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from markets.actions import price_overrides
from markets.actions.price_overrides import HIGHEST_PRICE, LOWEST_PRICE
from markets.admin import amounts
from markets.models import PriceOverride


class PriceOverrideForm(forms.ModelForm):
    price = forms.FloatField(min_value=LOWEST_PRICE, max_value=HIGHEST_PRICE, help_text="US dollars")
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 3, "cols": 80}), help_text="Kept in the audit trail."
    )

    class Meta:
        model = PriceOverride
        fields = ["asset", "price", "ends_at", "reason"]
        labels = {"ends_at": "Until"}
        help_texts = {"ends_at": "UTC. Until then no sync changes this price."}

    def clean_ends_at(self) -> Any:
        ends_at = self.cleaned_data["ends_at"]
        if ends_at <= clock.now():
            raise ValidationError("This moment has passed.")
        return ends_at


class InForceFilter(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("in-force", "in force"), ("over", "over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PriceOverride]) -> QuerySet[PriceOverride]:
        in_force = PriceOverride.objects.in_force(clock.now())
        if self.value() == "in-force":
            return queryset.filter(pk__in=in_force)
        return queryset.exclude(pk__in=in_force) if self.value() == "over" else queryset


@admin.register(PriceOverride)
class PriceOverrideAdmin(ReadOnlyAdmin):
    """Setting a price by hand is adding a row; a row never changes, but a price can be withdrawn."""

    form = PriceOverrideForm
    autocomplete_fields = ["asset"]
    list_display = ["asset", "usd", "starts_at", "ends_at", "state", "created_by", "reason"]
    list_filter = [InForceFilter]
    list_select_related = ["asset", "created_by"]
    search_fields = ["asset__symbol", "asset__slug", "asset__name", "reason"]
    actions = ["withdraw"]

    @admin.display(description="price (USD)", ordering="price")
    def usd(self, override: PriceOverride) -> str:
        return amounts.usd(override.price)

    @admin.display(description="state")
    def state(self, override: PriceOverride) -> str:
        if override.withdrawn_at is not None:
            return "withdrawn"
        return "in force" if override.ends_at > clock.now() else "ended"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.add_priceoverride")

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.change_priceoverride")

    def get_fields(self, request: HttpRequest, obj: PriceOverride | None = None) -> Any:
        asked = ["asset", "price", "ends_at", "reason"]
        return asked if obj is None else [*asked, "starts_at", "withdrawn_at", "created_by"]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, {"title": "Set price by hand", **(extra_context or {})})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        tomorrow = (clock.now() + timedelta(days=1)).replace(second=0, microsecond=0)
        return {"ends_at": tomorrow, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: PriceOverride, form: Any, change: bool) -> None:
        override = price_overrides.set_price(
            obj.asset,
            price=obj.price,
            reason=obj.reason,
            ends_at=obj.ends_at,
            by=signed_in(request),
            at=clock.now(),
        )
        obj.pk = override.pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the deed has stored all there is."""

    @admin.action(description="Withdraw selected prices…", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[PriceOverride]) -> TemplateResponse | None:
        def deed(override: PriceOverride, reason: str) -> str:
            price_overrides.withdraw(override, by=signed_in(request), reason=reason, at=clock.now())
            return "withdrawn; the next sync brings the provider's price"

        return reasons.ask(
            self, request, queryset, action="withdraw", question="Withdraw these prices?", button="Withdraw", deed=deed
        )
