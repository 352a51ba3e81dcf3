from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel.many import any_of
from markets.admin.amounts import MISSING
from risk import explanation, model_card
from risk.admin import named_assets, signs
from risk.admin.fan import fan_chart
from risk.admin.period import PeriodFilter
from risk.admin.waterfall import waterfall_chart
from risk.models import RiskScore
from risk.queries import scores
from risk.queries.scores import Span

FAN_DAYS = 180


class NarrowList(ChangeList):
    """Rows without what explains them, which a list does not show: millions of whole rows take long to sort."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        rows: Any = super().get_queryset(request, *args, **kwargs)
        return rows.narrow()


@admin.register(RiskScore)
class RiskScoreAdmin(ReadOnlyAdmin):
    """Scores as they were stored, with what they are made of and how they moved."""

    list_display = ["as_of", "asset", "points", "percentile_", "band_", "status_", "confidence", "change", "version"]
    list_display_links = ["asset"]
    list_filter = [PeriodFilter, "band", "status", "confidence", "model"]
    list_select_related = ["asset", "model"]
    search_fields = ["asset__symbol", "asset__slug"]
    search_help_text = "A symbol or slug finds all scores of it; a part of one, those of the period."
    date_hierarchy = "as_of"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count the whole table once a choice
    list_per_page = 50
    fields = [
        ("asset", "as_of", "version"),
        ("status", "reason"),
        ("points", "percentile_", "band", "confidence"),
        "doubts",
        "sigma",
        ("score_low_80", "score_high_80", "score_low_90", "score_high_90"),
        ("estimate_low_80", "estimate_high_80", "estimate_low_90", "estimate_high_90", "estimate_basis"),
        ("observations", "data_from", "data_to", "bad_prints", "bucket"),
        ("is_stablecoin", "is_pumped", "is_stale"),
        ("run", "input_hash", "context_hash", "seed", "calculated_at"),
    ]
    readonly_fields = ["points", "percentile_", "version", "doubts"]
    change_form_template = "admin/risk/riskscore/change_form.html"

    @admin.display(description="score", ordering="score")
    def points(self, score: RiskScore) -> str:
        return signs.points(score.score)

    @admin.display(description="percentile", ordering="percentile")
    def percentile_(self, score: RiskScore) -> str:
        return signs.points(score.percentile)

    @admin.display(description="band", ordering="score")
    def band_(self, score: RiskScore) -> SafeString | str:
        return signs.of_band(score)

    @admin.display(description="status", ordering="status")
    def status_(self, score: RiskScore) -> SafeString:
        return signs.of_status(score)

    @admin.display(description="change", ordering="delta")
    def change(self, score: RiskScore) -> str:
        return MISSING if score.delta is None else f"{score.delta:+.2f}"

    @admin.display(description="model", ordering="model__version")
    def version(self, score: RiskScore) -> str:
        return score.model.version

    @admin.display(description="what lowers the confidence")
    def doubts(self, score: RiskScore) -> str:
        return explanation.doubts(score) or MISSING

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NarrowList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        found = queryset.filter(asset_id__in=any_of(named_assets.ids(search_term))) if search_term else queryset
        return found, False

    def get_queryset(self, request: HttpRequest) -> Any:
        # The run and the score before are named on the page of one score.
        return super().get_queryset(request).select_related("asset", "model", "run", "previous")

    def shown_beside(self, request: HttpRequest, obj: RiskScore) -> dict[str, Any]:
        return _pictures(obj)


def _pictures(score: RiskScore) -> dict[str, Any]:
    past = scores.history(score.asset_id, score.model, Span(FAN_DAYS, None, score.as_of + scores.DAY)).scores
    name = f"{score.asset.name} ({score.asset.symbol})"
    return {
        "explanation": explanation.explanation(score),
        "estimation": explanation.of_estimation(score) if score.estimate_basis else "",
        "what_this_is_not": model_card.WHAT_THIS_IS_NOT,
        "waterfall": waterfall_chart(
            score.contributions, score.score, title=f"{name}: what the score of {score.as_of} is made of"
        ),
        "fan": fan_chart(past, title=f"{name}: scores and their intervals until {score.as_of}"),
        "measurements": score.measurements,
        "tail": score.tail,
    }
