from typing import Any

from celery import shared_task

from accounts.actions import canaries, jobs, watch
from config.kernel import clock


@shared_task(name="accounts.relay_jobs")
def relay_jobs(**_: object) -> None:
    """Publish jobs again whose message was lost."""
    jobs.relay(at=clock.now())


@shared_task(name="accounts.watch")
def look_after_incidents(**_: object) -> None:
    """Open incidents about what is wrong, and close those that are over."""
    watch.look(at=clock.now())


@shared_task(name=canaries.CANARY_TASK, bind=True)
def answer_canary(self: Any, /, *, queue: str, **_: object) -> None:
    """Say that a worker listens to the queue."""
    canaries.answer(queue, worker=self.request.hostname, at=clock.now())
