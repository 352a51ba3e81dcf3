import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.filters import DateFieldListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import AuditEntry, AuditLink, User
from accounts.roles import Role

NOBODY = "nobody"
NOT_CHAINED = "not in the chain"


class ActorFilter(SimpleListFilter):
    """Offers those who work on this site, a few; anybody else is chosen by their name in a row."""

    title = "actor"
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        staff = [role for role in Role if role.enters_admin_site]
        people = User.objects.filter(Q(role__in=staff) | Q(pk=self._chosen())).order_by("username")
        return [
            (NOBODY, "nobody (schedules)"),
            *((str(pk), username) for pk, username in people.values_list("pk", "username")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if self.value() == NOBODY:
            return queryset.filter(actor=None)
        return queryset if self._chosen() is None else queryset.filter(actor=self._chosen())

    def _chosen(self) -> int | None:
        value = self.value()
        if value is None or value == NOBODY:
            return None
        try:
            return int(value)
        except ValueError as error:
            raise IncorrectLookupParameters from error


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "who", "verb", "about", "reason", "position"]
    list_filter = [ActorFilter, "verb", "subject_type", ("created_at", DateFieldListFilter)]
    list_select_related = ["actor", "link"]
    search_fields = ["verb", "subject_id", "reason", "request_id", "api_key", "actor__username"]
    date_hierarchy = "created_at"
    show_full_result_count = False  # the trail only grows, and counting all of it is the slowest part of the page
    list_per_page = 50
    fieldsets = [
        (None, {"fields": ["created_at", "happened_at", "who", "verb", "about", "reason", "difference"]}),
        ("By what", {"fields": ["request_id", "api_key"]}),
        ("In the chain", {"fields": ["position", "hash", "previous_hash"]}),
    ]

    @admin.display(description="actor", empty_value="nobody")
    def who(self, entry: AuditEntry) -> SafeString | None:
        if entry.actor is None:
            return None
        path = reverse("admin:accounts_auditentry_changelist", current_app=self.admin_site.name)
        return format_html('<a href="{}?{}={}">{}</a>', path, ActorFilter.parameter_name, entry.actor_id, entry.actor)

    @admin.display(description="subject")
    def about(self, entry: AuditEntry) -> SafeString | str:
        label = f"{entry.subject_type} {entry.subject_id}".strip()
        path = self._page_of_subject(entry)
        return format_html('<a href="{}">{}</a>', path, label) if path else label

    def _page_of_subject(self, entry: AuditEntry) -> str | None:
        try:
            model = apps.get_model(entry.subject_type)
            if not self.admin_site.is_registered(model):
                return None
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
            return reverse(name, args=[entry.subject_id], current_app=self.admin_site.name)
        except (LookupError, ValueError, NoReverseMatch):  # of a model that is no more, or of none
            return None

    @admin.display(description="what changed")
    def difference(self, entry: AuditEntry) -> SafeString | str:
        rows = list(_difference(entry.before, entry.after))
        if not rows:
            return ""
        return format_html(
            "<table><thead><tr><th>field</th><th>before</th><th>after</th></tr></thead><tbody>{}</tbody></table>",
            format_html_join("", "<tr><th>{}</th><td>{}</td><td>{}</td></tr>", rows),
        )

    @admin.display(description="position")
    def position(self, entry: AuditEntry) -> int | str:
        link = _link(entry)
        return link.position if link else NOT_CHAINED

    @admin.display(description="hash")
    def hash(self, entry: AuditEntry) -> str:
        link = _link(entry)
        return link.hash if link else NOT_CHAINED

    @admin.display(description="hash before it")
    def previous_hash(self, entry: AuditEntry) -> str:
        link = _link(entry)
        return link.previous_hash if link else NOT_CHAINED


def _link(entry: AuditEntry) -> AuditLink | None:
    link: AuditLink | None = getattr(entry, "link", None)
    return link


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each field that either side names, with both its values; empty where a side does not name it."""
    for field in dict.fromkeys([*before, *after]):
        yield field, _shown(before, field), _shown(after, field)


def _shown(side: Mapping[str, Any], field: str) -> str:
    if field not in side:
        return ""
    value = side[field]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
