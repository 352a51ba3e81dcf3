"""What Prometheus sees of the scheduler, the workers and the incidents, asked of the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from django.db import DatabaseError
from django.db.models import Count, Max
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.models import Heartbeat, Incident
from accounts.queries.scheduler import Condition, scheduler
from accounts.queries.troubles import CHECKS
from config.kernel import clock

log = structlog.get_logger(__name__)


class VitalSigns(Collector):
    """The signs of life that processes left in the database: there to be seen also when the processes are gone."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            yield from [*self._beat(), *self._answers(), *self._incidents()]
        except DatabaseError as error:
            log.warning("metrics.vital_signs_unknown", error=type(error).__name__)

    def _beat(self) -> Iterator[GaugeMetricFamily]:
        tick = GaugeMetricFamily("beat_last_tick_timestamp_seconds", "When a scheduler last looked what is due.")
        leader = GaugeMetricFamily("beat_leader", "1 for the scheduler that sends.", labels=["instance"])
        state = scheduler(clock.now())
        if state.last_tick_at is not None and state.leader is not None:
            tick.add_metric([], state.last_tick_at.timestamp())
            leader.add_metric([state.leader], state.condition is not Condition.SILENT)
        yield tick
        yield leader

    def _answers(self) -> Iterator[GaugeMetricFamily]:
        answers = GaugeMetricFamily(
            "canary_task_last_success_timestamp_seconds", "When a worker last answered for the queue.", labels=["queue"]
        )
        rows = Heartbeat.objects.of(Heartbeat.Organ.QUEUE).order_by()
        for queue, latest in rows.values_list("queue").annotate(latest=Max("beaten_at")):
            answers.add_metric([queue], latest.timestamp())
        yield answers

    def _incidents(self) -> Iterator[GaugeMetricFamily]:
        incidents = GaugeMetricFamily("incidents_open", "Incidents that are not over.", labels=["kind"])
        counts = dict(Incident.objects.open().order_by().values_list("kind").annotate(count=Count("pk")))
        for kind in {*CHECKS, *counts}:
            incidents.add_metric([kind], counts.get(kind, 0))
        yield incidents
