from typing import Any

from django.contrib import admin
from django.contrib.admin.filters import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel.many import any_of
from risk.admin import named_assets
from risk.models import ForecastOutcome, RiskScore
from risk.queries import calibration

LEVELS = (0.8, 0.9, 0.95, 0.975, 0.99)
"""Coverages of intervals, and levels of value at risk."""

MOST_SEARCHED = 5_000
"""Scores whose outcomes a search looks at."""

MOST_LISTED = 1_000_000
"""Outcomes that a list looks through: those of years are more than a page has the time for."""


class LevelFilter(SimpleListFilter):
    """The levels that there are, without asking every row for its own."""

    title = "level"
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(str(level), f"{100 * level:g} %") for level in LEVELS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ForecastOutcome]) -> QuerySet[ForecastOutcome]:
        known = {value for value, _ in self.lookups(request, None)}
        return queryset.filter(level=float(self.value() or "")) if self.value() in known else queryset


@admin.register(ForecastOutcome)
class ForecastOutcomeAdmin(ReadOnlyAdmin):
    """What came of each forecast, and on a page of its own how often they came true."""

    list_display = ["recorded_at", "asset", "as_of", "horizon", "level", "value_at_risk", "realised_return", "kept"]
    list_filter = ["horizon", LevelFilter, "is_exceeded", "is_inside"]
    list_select_related = ["score__asset"]
    search_fields = ["score__asset__symbol"]
    search_help_text = (
        f"A symbol or slug, or a part of one: what came of the newest {MOST_SEARCHED:,} scores of it."
        f" Without a search the last {MOST_LISTED:,} are listed."
    )
    raw_id_fields = ["score"]
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count the whole table once a choice
    list_per_page = 50
    change_list_template = "admin/risk/forecastoutcome/change_list.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ForecastOutcome], search_term: str
    ) -> tuple[QuerySet[ForecastOutcome], bool]:
        if not search_term:
            newest = ForecastOutcome.objects.aggregate(newest=Max("pk"))["newest"] or 0
            return queryset.filter(pk__gt=newest - MOST_LISTED), False
        scores = RiskScore.objects.filter(asset_id__in=any_of(named_assets.ids(search_term))).order_by("-as_of", "-id")
        newest = list(scores.values_list("pk", flat=True)[:MOST_SEARCHED])
        return queryset.filter(score_id__in=any_of(newest)), False

    @admin.display(description="asset")
    def asset(self, outcome: ForecastOutcome) -> str:
        return outcome.score.asset.symbol

    @admin.display(description="as of")
    def as_of(self, outcome: ForecastOutcome) -> Any:
        return outcome.score.as_of

    @admin.display(description="held", boolean=True)
    def kept(self, outcome: ForecastOutcome) -> bool:
        return bool(outcome.is_inside if outcome.is_exceeded is None else not outcome.is_exceeded)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.calibration)
        return [path("calibration/", view, name="risk_forecastoutcome_calibration"), *super().get_urls()]

    def calibration(self, request: HttpRequest) -> TemplateResponse:
        """How often forecasts came true, by model, horizon, level and bucket."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Calibration",
            "opts": self.opts,
            "rows": calibration.table(),
        }
        return TemplateResponse(request, "admin/risk/forecastoutcome/calibration.html", context)
