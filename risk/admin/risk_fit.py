from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from risk.models import RiskFit


@admin.register(RiskFit)
class RiskFitAdmin(ReadOnlyAdmin):
    """What each version has learnt, and by when."""

    list_display = ["as_of", "model", "observations", "calibrated_on", "created_at"]
    list_filter = [("model", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["model"]
    date_hierarchy = "as_of"
    show_full_result_count = False
    list_per_page = 50
