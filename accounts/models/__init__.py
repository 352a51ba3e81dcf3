from accounts.models.audit_entry import AuditEntry
from accounts.models.audit_link import AuditLink
from accounts.models.job import Job
from accounts.models.user import User

__all__ = ["AuditEntry", "AuditLink", "Job", "User"]
