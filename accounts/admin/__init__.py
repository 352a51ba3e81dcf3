from accounts.admin.api_key import ApiKeyAdmin
from accounts.admin.audit_entry import AuditEntryAdmin
from accounts.admin.job import JobAdmin
from accounts.admin.mail import MailAdmin
from accounts.admin.session import SessionAdmin
from accounts.admin.user import UserAdmin

__all__ = ["ApiKeyAdmin", "AuditEntryAdmin", "JobAdmin", "MailAdmin", "SessionAdmin", "UserAdmin"]
