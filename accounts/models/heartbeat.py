from __future__ import annotations

from typing import Self

from django.db import models


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def of(self, organ: Heartbeat.Organ) -> Self:
        return self.filter(organ=organ)


class Heartbeat(models.Model):
    """When a part of the product that works behind the scenes last gave a sign of life."""

    class Organ(models.TextChoices):
        BEAT = "beat", "the scheduler that sends"
        WAITING_BEAT = "waiting_beat", "a scheduler that waits to take over"
        WATCH = "watch", "the look at everything that operators must know about"
        CANARY = "canary", "this queue has been asked since then"
        QUEUE = "queue", "a worker answered for this queue"

    organ = models.CharField(max_length=16, choices=Organ.choices)
    queue = models.CharField(max_length=32, blank=True, help_text="Of a canary and of its answer.")
    instance = models.CharField(max_length=200, blank=True, help_text="The process, by name and machine.")
    beaten_at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "workers and queues"
        constraints = [
            models.UniqueConstraint(fields=["organ", "queue", "instance"], name="heartbeat_one_per_process"),
            models.CheckConstraint(
                # Names every organ, so that there are no others.
                condition=(models.Q(organ__in=["queue", "canary"]) & ~models.Q(queue=""))
                | models.Q(organ__in=["beat", "waiting_beat", "watch"], queue=""),
                name="heartbeat_queue_where_it_has_one",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.organ, self.queue, self.instance) if part)
