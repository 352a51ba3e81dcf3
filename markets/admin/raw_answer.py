from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.read_only import ReadOnlyAdmin
from markets.models import RawAnswer


@admin.register(RawAnswer)
class RawAnswerAdmin(ReadOnlyAdmin):
    """What is known about each answer; the answers themselves are for the product to read again."""

    list_display = ["received_at", "provider", "endpoint", "size"]
    list_filter = ["provider"]
    search_fields = ["endpoint"]
    date_hierarchy = "received_at"
    show_full_result_count = False
    fields = ["received_at", "provider", "endpoint", "size", "digest"]
    readonly_fields = ["digest"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RawAnswer]:
        return super().get_queryset(request).defer("body_zstd")

    @admin.display(description="SHA-256")
    def digest(self, answer: RawAnswer) -> str:
        return bytes(answer.sha256).hex()
