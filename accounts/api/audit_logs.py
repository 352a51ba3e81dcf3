from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.admin import AdminView
from accounts.models import AuditEntry
from config.kernel.pages import link_header, page
from config.kernel.parameters import Integer, Parameters, Text
from config.kernel.serializers import Page

DEFAULT_LIMIT = 50


class AuditLog(serializers.ModelSerializer):
    admin_id = serializers.IntegerField(source="actor_id", allow_null=True, help_text="null: the product itself.")
    action = serializers.CharField(source="verb")
    target_user_id = serializers.SerializerMethodField()
    metadata = serializers.SerializerMethodField(help_text="Before, after, reason, subject and request of the deed.")
    hash = serializers.CharField(source="link.hash", allow_null=True, help_text="Its link of the chain.")

    class Meta:
        model = AuditEntry
        fields = ["id", "admin_id", "action", "target_user_id", "metadata", "created_at", "hash"]
        read_only_fields = fields
        extra_kwargs = {"created_at": {"required": True}}

    def get_target_user_id(self, entry: AuditEntry) -> int | None:
        return int(entry.subject_id) if entry.subject_type == "accounts.user" else None

    def get_metadata(self, entry: AuditEntry) -> dict[str, Any]:
        return {
            "before": entry.before,
            "after": entry.after,
            "reason": entry.reason,
            "subject": f"{entry.subject_type} {entry.subject_id}".strip(),
            "request_id": entry.request_id,
            "api_key": entry.api_key,
        }


class AuditLogPage(Page):
    results = AuditLog(many=True)


class ListAuditLogs(AdminView):
    """What was done, by whom and why, the latest first. Nothing here can be changed or removed."""

    parameters = Parameters(
        limit=Integer(default=DEFAULT_LIMIT, minimum=1, maximum=200),
        offset=Integer(default=0, minimum=0, maximum=1_000_000),
        action=Text(max_length=100, description="Only this one, such as accounts.user.approved."),
        admin_id=Integer(minimum=1, description="Only what this person did."),
        target_user_id=Integer(minimum=1, description="Only what was done to this person's account."),
    )

    @extend_schema(responses={200: AuditLogPage})
    def get(self, request: Request) -> Response:
        wanted = self.values
        entries = AuditEntry.objects.select_related("link").order_by("-pk")
        if wanted["action"] is not None:
            entries = entries.filter(verb=wanted["action"])
        if wanted["admin_id"] is not None:
            entries = entries.filter(actor_id=wanted["admin_id"])
        if wanted["target_user_id"] is not None:
            entries = entries.filter(subject_type="accounts.user", subject_id=str(wanted["target_user_id"]))
        start, end = wanted["offset"], wanted["offset"] + wanted["limit"]
        count = entries.count()
        following = self._at(request, end) if end < count else None
        previous = self._at(request, max(0, start - wanted["limit"])) if start else None
        return Response(
            page(AuditLog(entries[start:end], many=True).data, count=count, next=following, previous=previous),
            headers=link_header(next=following, previous=previous),
        )

    def _at(self, request: Request, offset: int) -> str:
        query = request.GET.copy()
        query["offset"] = str(offset)
        return f"{request.path}?{query.urlencode()}"
