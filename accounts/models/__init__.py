from accounts.models.audit_entry import AuditEntry
from accounts.models.heartbeat import Heartbeat
from accounts.models.incident import Incident
from accounts.models.job import Job
from accounts.models.user import User

__all__ = ["AuditEntry", "Heartbeat", "Incident", "Job", "User"]
