from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from config.kernel.errors import ValidationFailed
from markets.admin.badges import badge
from risk.actions import wrappings
from risk.models import Wrapping


class WrappingForm(forms.ModelForm):
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 2, "cols": 80}), help_text="Kept in the audit trail."
    )

    class Meta:
        model = Wrapping
        fields = ["asset", "underlying"]
        help_texts = {
            "asset": "The one that stands for another, such as a wrapped or a staked coin.",
            "underlying": "What it is redeemed for in the end. From the next run on the asset is at least as risky.",
        }

    def clean(self) -> dict[str, Any] | None:
        said = super().clean() or self.cleaned_data
        is_new = self.instance.pk is None
        asset, underlying = said.get("asset") if is_new else self.instance.asset, said.get("underlying")
        if asset is not None and underlying is not None:
            try:
                # Locked until the row is stored: nobody can come between.
                wrappings.require_possible(asset, underlying, instead_of=None if is_new else self.instance)
            except ValidationFailed as refusal:
                raise ValidationError(_shown(refusal, is_new)) from None
        return said


def _shown(refusal: ValidationFailed, is_new: bool) -> dict[str, list[str]]:
    """The complaints at their fields; the asset of a row that exists is no field."""
    said: Any = refusal.details["fields"]
    return said if is_new else {"underlying": [sentence for complaints in said.values() for sentence in complaints]}


@admin.register(Wrapping)
class WrappingAdmin(ReadOnlyAdmin):
    """Rows are declared, changed and withdrawn, each time with a reason."""

    form = WrappingForm
    list_display = ["asset", "underlying", "effect"]
    list_select_related = ["asset", "underlying"]
    list_per_page = 50
    search_fields = ["asset__symbol", "asset__slug", "underlying__symbol", "underlying__slug"]
    autocomplete_fields = ["asset", "underlying"]
    actions = ["withdraw"]

    @admin.display(description="effect")
    def effect(self, wrapping: Wrapping) -> SafeString:
        for asset in (wrapping.asset, wrapping.underlying):
            if not asset.is_active:
                return badge("off", f"none: {asset.symbol} is not listed")
        return badge("well", "in force")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("risk.add_wrapping")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("risk.change_wrapping")

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("risk.delete_wrapping")

    def get_fields(self, request: HttpRequest, obj: Wrapping | None = None) -> Any:
        may_write = self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
        return ["asset", "underlying", "reason"] if may_write else ["asset", "underlying"]

    def get_readonly_fields(self, request: HttpRequest, obj: Wrapping | None = None) -> Any:
        return [] if obj is None else ["asset"]

    def save_model(self, request: HttpRequest, obj: Wrapping, form: Any, change: bool) -> None:
        by, reason, at = signed_in(request), form.cleaned_data["reason"], clock.now()
        if change:
            wrappings.change(obj, obj.underlying, by=by, reason=reason, at=at)
        else:
            obj.pk = wrappings.declare(obj.asset, obj.underlying, by=by, reason=reason, at=at).pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the deed has stored all there is."""

    @admin.action(description="Withdraw selected…", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Wrapping]) -> TemplateResponse | None:
        def deed(wrapping: Wrapping, reason: str) -> str:
            wrappings.withdraw(wrapping, by=signed_in(request), reason=reason, at=clock.now())
            return "withdrawn; the next run knows nothing of it"

        question = "Let these assets stand for no other ones?"
        return reasons.ask(self, request, queryset, action="withdraw", question=question, button="Withdraw", deed=deed)
