from accounts.models.audit_entry import AuditEntry
from accounts.models.heartbeat import Heartbeat
from accounts.models.idempotent_answer import IdempotentAnswer
from accounts.models.incident import Incident
from accounts.models.job import Job
from accounts.models.user import User

__all__ = ["AuditEntry", "Heartbeat", "IdempotentAnswer", "Incident", "Job", "User"]
