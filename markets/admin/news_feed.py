from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from config.kernel.outbound import ForbiddenDestination, require_public_url
from markets.actions import news_feeds, provider_states
from markets.admin import amounts, badges
from markets.models import NewsFeed, NewsItem, ProviderState
from markets.models.news_feed import PROVIDER_PREFIX


class NewsFeedForm(forms.ModelForm):
    url = forms.URLField(
        max_length=1_000,
        assume_scheme="https",
        widget=AdminURLFieldWidget,
        help_text="Of the RSS or Atom document. Only public addresses are read, over https or http.",
    )
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 2, "cols": 80}), help_text="Kept in the audit trail."
    )

    class Meta:
        model = NewsFeed
        fields = ["slug", "name", "url"]

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            require_public_url(url)
        except ForbiddenDestination as refusal:
            raise ValidationError(str(refusal)) from None
        return url


@admin.register(NewsFeed)
class NewsFeedAdmin(ReadOnlyAdmin):
    """Feeds are added, changed and disabled; none is deleted, since its news stay."""

    form = NewsFeedForm
    list_display = ["name", "slug", "url", "health", "latest"]
    search_fields = ["name", "slug", "url"]
    actions = ["enable", "disable"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = NewsItem.objects.filter(feed=OuterRef("pk")).order_by("-published_at").values("published_at")[:1]
        state = ProviderState.objects.filter(name=Concat(Value(PROVIDER_PREFIX), OuterRef("slug")))
        feeds: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(
                latest_at=Subquery(newest),
                is_enabled=Subquery(state.values("is_enabled")),
                failures=Subquery(state.values("consecutive_failures")),
                error_code=Subquery(state.values("last_error_code")),
                success_at=Subquery(state.values("last_success_at")),
            )
        )
        return feeds

    def get_fields(self, request: HttpRequest, obj: NewsFeed | None = None) -> Any:
        fields = ["slug", "name", "url"]
        may_write = self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
        return [*fields, "reason"] if may_write else fields

    def get_readonly_fields(self, request: HttpRequest, obj: NewsFeed | None = None) -> Any:
        return [] if obj is None else ["slug"]

    @admin.display(description="health")
    def health(self, feed: Any) -> SafeString:
        if feed.is_enabled is False:
            return badges.badge("off", "disabled")
        if feed.failures:
            return badges.badge("stale", f"failing: {feed.error_code}")
        return badges.badge("well", "well") if feed.success_at else badges.badge("off", "not read yet")

    @admin.display(description="latest item", ordering="latest_at", empty_value=amounts.MISSING)
    def latest(self, feed: Any) -> Any:
        return feed.latest_at

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.add_newsfeed")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("markets.change_newsfeed")

    def save_model(self, request: HttpRequest, obj: NewsFeed, form: Any, change: bool) -> None:
        said = {
            "name": obj.name,
            "url": obj.url,
            "by": signed_in(request),
            "reason": form.cleaned_data["reason"],
            "at": clock.now(),
        }
        if change:
            news_feeds.change(obj, **said)
        else:
            obj.pk = news_feeds.add(slug=obj.slug, **said).pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the deed has stored all there is."""

    @admin.action(description="Enable selected feeds…", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[NewsFeed]) -> TemplateResponse | None:
        def deed(feed: NewsFeed, reason: str) -> str:
            provider_states.enable(_state(feed), by=signed_in(request), reason=reason, at=clock.now())
            return "enabled"

        return reasons.ask(
            self, request, queryset, action="enable", question="Read these feeds again?", button="Enable", deed=deed
        )

    @admin.action(description="Disable selected feeds…", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[NewsFeed]) -> TemplateResponse | None:
        def deed(feed: NewsFeed, reason: str) -> str:
            provider_states.disable(_state(feed), by=signed_in(request), reason=reason, at=clock.now())
            return "disabled; its news stay"

        return reasons.ask(
            self, request, queryset, action="disable", question="Read these feeds no more?", button="Disable", deed=deed
        )


def _state(feed: NewsFeed) -> ProviderState:
    provider_states.introduce([feed.provider])
    return ProviderState.objects.get(pk=feed.provider)
