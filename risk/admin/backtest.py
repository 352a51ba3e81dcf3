from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from accounts.admin.read_only import ReadOnlyAdmin
from risk.backtest_table import COLUMNS, NOTES
from risk.models import Backtest


@admin.register(Backtest)
class BacktestAdmin(ReadOnlyAdmin):
    """How each version's one-day tail fared on the history that was loaded."""

    list_display = ["created_at", "model", "since", "until", "days", "assets", "forecasts"]
    list_filter = [("model", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["model"]
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
    fields = [("model", "created_at"), ("since", "until", "days"), ("assets", "forecasts")]
    change_form_template = "admin/risk/backtest/change_form.html"

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Backtest | None = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= {
                "titles": [column.title for column in COLUMNS],
                "rows": [[column.said(result) for column in COLUMNS] for result in obj.results],
                "notes": NOTES,
            }
        return super().render_change_form(request, context, add, change, form_url, obj)
