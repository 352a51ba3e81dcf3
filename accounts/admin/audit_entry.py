from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "actor", "verb", "subject_type", "subject_id", "reason"]
    list_filter = ["subject_type", "verb"]
    list_select_related = ["actor"]
    search_fields = ["verb", "subject_id", "reason", "request_id", "actor__username"]
    date_hierarchy = "created_at"
    show_full_result_count = False  # the trail only grows, and counting all of it is the slowest part of the page
