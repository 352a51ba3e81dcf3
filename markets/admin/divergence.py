from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from markets.admin import amounts
from markets.models import Divergence


@admin.register(Divergence)
class DivergenceAdmin(ReadOnlyAdmin):
    list_display = ["observed_at", "asset", "provider", "usd", "other_provider", "other_usd", "per_cent"]
    list_filter = ["provider", "other_provider"]
    list_select_related = ["asset"]
    search_fields = ["asset__symbol", "asset__slug", "asset__name"]
    date_hierarchy = "observed_at"
    show_full_result_count = False

    @admin.display(description="price (USD)", ordering="price")
    def usd(self, row: Divergence) -> str:
        return amounts.usd(row.price)

    @admin.display(description="other price (USD)", ordering="other_price")
    def other_usd(self, row: Divergence) -> str:
        return amounts.usd(row.other_price)

    @admin.display(description="deviation", ordering="deviation")
    def per_cent(self, row: Divergence) -> str:
        return amounts.per_cent(row.deviation)
