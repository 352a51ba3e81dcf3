from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib.admin.filters import SimpleListFilter
from django.db.models import Max, QuerySet
from django.http import HttpRequest

from risk.admin import named_assets
from risk.models import RiskScore, ScoreRun

SHOWN_DAYS = 7


class PeriodFilter(SimpleListFilter):
    """The last days that were scored, unless a month, a day or an asset is asked for.

    A page has five seconds: too short to sort or to filter the scores of everybody since the beginning.
    """

    title = "period"
    parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        months = ScoreRun.objects.finished().dates("as_of", "month", order="DESC")
        return [(f"{month:%Y-%m}", f"{month:%B %Y}") for month in months]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """With what is shown where none is chosen, which is not all."""
        shown, *months = super().choices(changelist)
        yield {**shown, "display": f"Last {SHOWN_DAYS} days"}
        yield from months

    def queryset(self, request: HttpRequest, queryset: QuerySet[RiskScore]) -> QuerySet[RiskScore]:
        chosen = self.value()
        if chosen in {month for month, _ in self.lookup_choices}:
            month = date.fromisoformat(f"{chosen}-01")
            return queryset.filter(as_of__gte=month, as_of__lt=(month + timedelta(days=32)).replace(day=1))
        if any(name.startswith("as_of__") for name in request.GET):
            return queryset
        if (words := request.GET.get("q", "")) and named_assets.exactly(words).exists():
            return queryset
        newest = ScoreRun.objects.finished().aggregate(newest=Max("as_of"))["newest"]
        return queryset.filter(as_of__gt=newest - timedelta(days=SHOWN_DAYS))
