from celery import shared_task

from accounts.actions import idempotent_answers, jobs


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
