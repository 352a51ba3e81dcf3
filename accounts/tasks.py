from typing import Any

from celery import shared_task

from accounts.actions import canaries, idempotent_answers, jobs, watch
from config.kernel import clock


@shared_task(name="accounts.relay_jobs")
def relay_jobs(**_: object) -> None:
    """Tell the workers about jobs whose message was lost, and about those whose next attempt is due."""
    jobs.relay()


@shared_task(name="accounts.reap_jobs")
def reap_jobs(**_: object) -> None:
    """Take jobs back from workers that are gone."""
    jobs.reap()


@shared_task(name="cleanup_expired_tasks")
def cleanup_expired_tasks(**_: object) -> dict[str, int]:
    """Remove finished jobs and kept answers that are beyond their retention."""
    return {"jobs": jobs.remove_old(), "answers": idempotent_answers.remove_old()}


@shared_task(name="accounts.watch")
def look_after_incidents(**_: object) -> None:
    """Open incidents about what is wrong, and close those that are over."""
    watch.look(at=clock.now())


@shared_task(name=canaries.CANARY_TASK, bind=True)
def answer_canary(self: Any, /, *, queue: str, **_: object) -> None:
    """Say that a worker listens to the queue."""
    canaries.answer(queue, worker=self.request.hostname, at=clock.now())
