from typing import Any, get_args

from django.contrib import admin
from django.contrib.admin.filters import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.read_only import ReadOnlyAdmin
from markets.admin import amounts
from markets.admin.badges import badge
from markets.models import NewsItem, NewsMention, NewsScore
from markets.queries import news
from markets.sentiment.evaluation import NEUTRAL_WITHIN
from markets.sentiment.events import Kind


class EventFilter(SimpleListFilter):
    title = "event"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in get_args(Kind)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(events__contains=[self.value()]) if self.value() else queryset


class ToneFilter(SimpleListFilter):
    title = "tone"
    parameter_name = "tone"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("negative", "negative"), ("neutral", "neutral"), ("positive", "positive"), ("none", "not scored yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "negative":
                return queryset.filter(tone__lte=-NEUTRAL_WITHIN)
            case "neutral":
                return queryset.filter(tone__gt=-NEUTRAL_WITHIN, tone__lt=NEUTRAL_WITHIN)
            case "positive":
                return queryset.filter(tone__gte=NEUTRAL_WITHIN)
            case "none":
                return queryset.filter(tone__isnull=True)
        return queryset


class _Shown(admin.TabularInline):
    """Rows beside an item that nobody writes by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MentionInline(_Shown):
    model = NewsMention
    verbose_name_plural = "assets that it is about"
    fields = ["asset", "matched_by", "term"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NewsMention]:
        return super().get_queryset(request).select_related("asset")


class ScoreInline(_Shown):
    model = NewsScore
    verbose_name_plural = "scores, one a version"
    fields = ["model_version", "tone", "negativity", "confidence", "events", "possible_events", "scored_at"]


@admin.register(NewsItem)
class NewsItemAdmin(ReadOnlyAdmin):
    """News as they came, with what the current scorer makes of them."""

    list_display = ["published_at", "feed", "title", "tone_badge", "told_events"]
    list_display_links = ["title"]
    list_filter = ["feed", ToneFilter, EventFilter]
    list_select_related = ["feed"]
    search_fields = ["title", "assets__symbol"]
    date_hierarchy = "published_at"
    show_full_result_count = False
    list_per_page = 50
    fields = ["title", "summary", "link", ("feed", "guid"), ("published_at", "fetched_at", "language")]
    readonly_fields = ["link"]
    inlines = [MentionInline, ScoreInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NewsItem]:
        return news.scored().order_by("-published_at", "-id")

    @admin.display(description="tone", ordering="tone")
    def tone_badge(self, item: Any) -> str | SafeString:
        if item.tone is None:
            return amounts.MISSING
        kind = "off" if abs(item.tone) < NEUTRAL_WITHIN else "well" if item.tone > 0 else "stale"
        return badge(kind, f"{item.tone:+.2f}")

    @admin.display(description="events")
    def told_events(self, item: Any) -> str:
        told = [*(item.events or ()), *(f"{kind}?" for kind in item.possible_events or ())]
        return ", ".join(told) or amounts.MISSING

    @admin.display(description="link")
    def link(self, item: NewsItem) -> SafeString:
        return format_html('<a href="{0}" rel="noreferrer noopener">{0}</a>', item.url)
