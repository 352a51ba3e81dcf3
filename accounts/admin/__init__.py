from accounts.admin.audit_entry import AuditEntryAdmin
from accounts.admin.job import JobAdmin
from accounts.admin.mail import MailAdmin
from accounts.admin.user import UserAdmin

__all__ = ["AuditEntryAdmin", "JobAdmin", "MailAdmin", "UserAdmin"]
