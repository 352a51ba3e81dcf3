from config.admin.schedule import ScheduleAdmin
from config.admin.schedule_time import CrontabAdmin, IntervalAdmin

__all__ = ["CrontabAdmin", "IntervalAdmin", "ScheduleAdmin"]
