from django.contrib import admin, messages
from django.contrib.admin.filters import SimpleListFilter
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from markets.admin import amounts, badges
from markets.models import Quote, Source


class SourceFilter(SimpleListFilter):
    """The sources of prices; most sources only have bars."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        quoted = Quote.objects.order_by().values("source_id").distinct()
        return [(source.name, source.name) for source in Source.objects.filter(pk__in=quoted)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Quote]) -> QuerySet[Quote]:
        return queryset.filter(source__name=self.value()) if self.value() else queryset


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    list_display = ["rank", "asset", "usd", "cap", "source", "signs", "as_of", "received_at"]
    list_display_links = ["asset"]
    list_filter = [SourceFilter, "source__is_simulated"]
    list_select_related = ["asset", "source"]
    search_fields = ["asset__symbol", "asset__slug", "asset__name"]
    ordering = [F("rank").asc(nulls_last=True), "asset_id"]
    list_per_page = 50
    actions = ["set_price_by_hand"]

    @admin.display(description="price (USD)", ordering="price")
    def usd(self, quote: Quote) -> str:
        return amounts.usd(quote.price)

    @admin.display(description="market cap (USD)", ordering="market_cap")
    def cap(self, quote: Quote) -> str:
        return amounts.whole(quote.market_cap)

    @admin.display(description="state")
    def signs(self, quote: Quote) -> SafeString:
        return badges.of_quote(quote, clock.now())

    def has_override_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.add_priceoverride")

    @admin.action(description="Set price by hand…", permissions=["override"])
    def set_price_by_hand(self, request: HttpRequest, queryset: QuerySet[Quote]) -> HttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Select one quote.", messages.ERROR)
            return None
        return redirect(f"{reverse('admin:markets_priceoverride_add')}?asset={chosen[0].pk}")
