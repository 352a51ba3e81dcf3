from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from risk.models import Backtest


@admin.register(Backtest)
class BacktestAdmin(ReadOnlyAdmin):
    """How each version's one-day tail fared on the history that was loaded."""

    list_display = ["created_at", "model", "since", "until", "assets", "forecasts"]
    list_filter = [("model", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["model"]
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
