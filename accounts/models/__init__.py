from accounts.models.audit_entry import AuditEntry
from accounts.models.idempotent_answer import IdempotentAnswer
from accounts.models.job import Job
from accounts.models.user import User

__all__ = ["AuditEntry", "IdempotentAnswer", "Job", "User"]
