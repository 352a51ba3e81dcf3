from celery import shared_task

from accounts.actions import jobs
from accounts.runs import audit_verification
from config.kernel import clock


@shared_task(name="accounts.relay_jobs")
def relay_jobs(**_: object) -> None:
    """Publish jobs again whose message was lost."""
    jobs.relay(at=clock.now())


@shared_task(name="accounts.log_audit_head")
def log_audit_head(**_: object) -> None:
    """Write the head of the audit trail's chain to the log, where it is out of the database's reach."""
    audit_verification.log_head()


@shared_task(name="accounts.verify_audit_chain")
def verify_audit_chain(**_: object) -> None:
    """Check the whole audit trail against its chain."""
    audit_verification.perform(at=clock.now())
