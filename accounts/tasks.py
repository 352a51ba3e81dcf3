from celery import shared_task

from accounts.actions import jobs
from config.kernel import clock


@shared_task(name="accounts.relay_jobs")
def relay_jobs(**_: object) -> None:
    """Publish jobs again whose message was lost."""
    jobs.relay(at=clock.now())
