from accounts.admin.audit_entry import AuditEntryAdmin
from accounts.admin.heartbeat import HeartbeatAdmin
from accounts.admin.incident import IncidentAdmin
from accounts.admin.job import JobAdmin
from accounts.admin.user import UserAdmin

__all__ = ["AuditEntryAdmin", "HeartbeatAdmin", "IncidentAdmin", "JobAdmin", "UserAdmin"]
