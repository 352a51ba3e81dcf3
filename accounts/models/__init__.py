from accounts.models.audit_entry import AuditEntry
from accounts.models.job import Job
from accounts.models.mail import Mail
from accounts.models.user import User

__all__ = ["AuditEntry", "Job", "Mail", "User"]
