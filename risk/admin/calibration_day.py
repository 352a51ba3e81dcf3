from django.contrib import admin

from accounts.admin.read_only import ReadOnlyAdmin
from risk.models import CalibrationDay


@admin.register(CalibrationDay)
class CalibrationDayAdmin(ReadOnlyAdmin):
    """The counts that the calibration is read from, day by day."""

    list_display = ["as_of", "model", "horizon", "level", "bucket", "size", "hits"]
    list_filter = ["horizon", ("model", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["model"]
    date_hierarchy = "as_of"
    ordering = ["-as_of", "-id"]
    show_full_result_count = False
    list_per_page = 50
