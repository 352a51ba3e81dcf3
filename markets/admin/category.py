from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from markets.models import Category


@admin.register(Category)
class CategoryAdmin(ReadOnlyAdmin):
    list_display = ["name", "slug"]
    search_fields = ["name", "slug"]
