from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.actions import sessions
from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import Session
from config.kernel import clock
from config.kernel.errors import Conflict


class SessionEnded(Conflict):
    code = "session_ended"
    message = "This session has ended already."


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Who is logged in, where and since when."""

    list_display = ["user", "device", "address", "second_factor", "created_at", "last_seen_at", "ended_at", "ending"]
    list_filter = ["ending", "second_factor"]
    list_select_related = ["user"]
    search_fields = ["user__username", "address", "device"]
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = [
        *("user", "device", "user_agent", "address", "second_factor"),
        *("created_at", "last_seen_at", "rotated_at", "ended_at", "ending"),
    ]
    actions = ["revoke"]

    @admin.action(description="Revoke selected sessions…", permissions=["decide"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> TemplateResponse | None:
        def deed(session: Session, reason: str) -> str:
            by, at = signed_in(request), clock.now()
            if not sessions.end(session, Session.Ending.REVOKED, by=by, at=at, reason=reason):
                raise SessionEnded
            return "revoked"

        return reasons.ask(
            self, request, queryset, action="revoke", question="End these sessions?", button="Revoke", deed=deed
        )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_session")
