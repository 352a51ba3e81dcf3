from accounts.admin.api_key import ApiKeyAdmin
from accounts.admin.audit_entry import AuditEntryAdmin
from accounts.admin.heartbeat import HeartbeatAdmin
from accounts.admin.incident import IncidentAdmin
from accounts.admin.job import JobAdmin
from accounts.admin.mail import MailAdmin
from accounts.admin.session import SessionAdmin
from accounts.admin.user import UserAdmin

__all__ = [
    "ApiKeyAdmin",
    "AuditEntryAdmin",
    "HeartbeatAdmin",
    "IncidentAdmin",
    "JobAdmin",
    "MailAdmin",
    "SessionAdmin",
    "UserAdmin",
]
