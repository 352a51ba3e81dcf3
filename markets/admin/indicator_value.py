from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from markets.models import IndicatorValue


@admin.register(IndicatorValue)
class IndicatorValueAdmin(ReadOnlyAdmin):
    list_display = ["at", "indicator", "amount", "unit", "source", "received_at"]
    list_filter = ["indicator", "source"]
    list_select_related = ["source"]
    date_hierarchy = "at"
    show_full_result_count = False
    list_per_page = 50
    fields = [("indicator", "amount", "unit"), ("at", "received_at"), "source"]
    readonly_fields = ["amount", "unit"]

    @admin.display(description="value", ordering="value")
    def amount(self, seen: IndicatorValue) -> str:
        return f"{seen.value:,.2f}".rstrip("0").rstrip(".")

    @admin.display(description="unit")
    def unit(self, seen: IndicatorValue) -> str:
        return seen.unit
