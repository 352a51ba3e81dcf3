from typing import Any
from uuid import UUID

from celery import shared_task

from accounts.actions import canaries, idempotent_answers, jobs, logins_past, mails, watch
from accounts.runs import audit_verification
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


@shared_task(name=mails.DELIVER_TASK)
def deliver_mail(*, mail_id: str, **_: object) -> None:
    """Send a mail that has just been queued."""
    mails.deliver(UUID(mail_id), at=clock.now())


@shared_task(name="accounts.deliver_mails")
def deliver_mails(**_: object) -> dict[str, int]:
    """Send mails whose time has come: those that failed before, and those whose message was lost."""
    return {"sent": mails.deliver_due(now=clock.now)}


@shared_task(name="accounts.forget_mails")
def forget_mails(**_: object) -> dict[str, int]:
    """Drop what mails said that were sent or given up a week ago."""
    return {"forgotten": mails.forget(at=clock.now())}


@shared_task(name="accounts.forget_logins")
def forget_logins(**_: object) -> dict[str, int]:
    """Drop revocations that everything has outlived, and sessions that ended long ago."""
    return {"forgotten": logins_past.forget(at=clock.now())}


@shared_task(name="accounts.log_audit_head")
def log_audit_head(**_: object) -> None:
    """Write the head of the audit trail's chain to the log, where it is out of the database's reach."""
    audit_verification.log_head()


@shared_task(name="accounts.verify_audit_chain")
def verify_audit_chain(**_: object) -> None:
    """Check the whole audit trail against its chain."""
    audit_verification.perform(at=clock.now())
