from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from accounts.models import User


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ["username", "email", "role", "status", "last_login", "created_at"]
    list_filter = ["role", "status"]
    search_fields = ["username", "email_canonical"]
    fields = ["username", "email", "role", "status", "last_login", "created_at", "updated_at"]
