import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from config.schedules import SCHEDULES, Schedule


class Command(BaseCommand):
    help = "Add the schedules that are missing. One that exists, also if edited or switched off, stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what is missing; add nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        existing = set(PeriodicTask.objects.values_list("name", flat=True))
        missing = [schedule for schedule in SCHEDULES if schedule.name not in existing]
        if options["dry_run"]:
            for schedule in missing:
                self.stdout.write(f"Missing: {schedule.name}")
            return
        with transaction.atomic():
            for schedule in missing:
                _add(schedule)
                self.stdout.write(f"Added: {schedule.name}")
        if not missing:
            self.stdout.write("Schedules: nothing to add.")


def _add(schedule: Schedule) -> None:
    task = PeriodicTask(
        name=schedule.name,
        task=schedule.task,
        description=schedule.description,
        kwargs=json.dumps(dict(schedule.arguments)),
    )
    if schedule.crontab is not None:
        task.crontab, _ = CrontabSchedule.objects.get_or_create(
            minute=schedule.crontab.minute,
            hour=schedule.crontab.hour,
            day_of_month=schedule.crontab.day_of_month,
            month_of_year="*",
            day_of_week="*",
            timezone="UTC",
        )
    else:
        task.interval, _ = IntervalSchedule.objects.get_or_create(
            every=schedule.seconds, period=IntervalSchedule.SECONDS
        )
    task.save()
