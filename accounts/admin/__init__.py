from accounts.admin.audit_entry import AuditEntryAdmin
from accounts.admin.job import JobAdmin
from accounts.admin.user import UserAdmin

__all__ = ["AuditEntryAdmin", "JobAdmin", "UserAdmin"]
