from accounts.models.api_key import ApiKey
from accounts.models.audit_entry import AuditEntry
from accounts.models.audit_link import AuditLink
from accounts.models.heartbeat import Heartbeat
from accounts.models.idempotent_answer import IdempotentAnswer
from accounts.models.incident import Incident
from accounts.models.job import Job
from accounts.models.mail import Mail
from accounts.models.recovery_code import RecoveryCode
from accounts.models.revocation import Revocation
from accounts.models.session import Session
from accounts.models.totp_device import TotpDevice
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "AuditEntry",
    "AuditLink",
    "Heartbeat",
    "IdempotentAnswer",
    "Incident",
    "Job",
    "Mail",
    "RecoveryCode",
    "Revocation",
    "Session",
    "TotpDevice",
    "User",
]
