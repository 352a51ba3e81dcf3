from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "kind", "owner", "state", "progress", "attempt", "finished_at", "error_code"]
    list_filter = ["state", "kind", "queue"]
    list_select_related = ["owner"]
    search_fields = ["id", "kind", "owner__username", "request_id", "error_code"]
    date_hierarchy = "created_at"
    show_full_result_count = False
