"""Below /api/v1/, and the sessions once more below /api/, where one of the sources has them.

Every literal path of the sources answers, each from the one view of what it does.
"""

from accounts.api.audit_logs import ListAuditLogs
from accounts.api.keys import Keys, OneKey, ShowCurrentKey
from accounts.api.login import LogIn, Refresh
from accounts.api.me import ShowMe
from accounts.api.passwords import AskForPasswordReset, ChangePassword, ResetPassword
from accounts.api.people import (
    ApproveUser,
    ChangeRole,
    CreateService,
    CreateServiceKey,
    DisableUser,
    EnableUser,
    ListPendingUsers,
    RevokeUserSessions,
)
from accounts.api.sessions import ListSessions, LogOut, LogOutEverywhere, RevokeSession
from accounts.api.signup import SignUp
from accounts.api.tasks import CancelTask, ListActiveTasks, ShowTaskResult, ShowTaskStatus
from accounts.api.two_factor import (
    ConfirmTwoFactor,
    DisableTwoFactor,
    RenewRecoveryCodes,
    SetUpTwoFactor,
    ShowTwoFactor,
)
from config.kernel.routes import route

urlpatterns = [
    route("auth/signup", SignUp.as_view(), name="signup"),
    route("signup", SignUp.as_view(), name="signup-short"),
    route("auth/login", LogIn.as_view(), name="login"),
    route("login", LogIn.as_view(), name="login-short"),
    route("auth/refresh", Refresh.as_view(), name="refresh"),
    route("refresh", Refresh.as_view(), name="refresh-short"),
    route("auth/logout", LogOut.as_view(), name="logout"),
    route("logout", LogOut.as_view(), name="logout-short"),
    route("auth/logout-all", LogOutEverywhere.as_view(), name="logout-all"),
    route("auth/sessions", ListSessions.as_view(), name="sessions"),
    route("auth/sessions/<uuid:session_id>/revoke", RevokeSession.as_view(), name="session-revoke"),
    route("auth/me", ShowMe.as_view(), name="me-long"),
    route("me", ShowMe.as_view(), name="me"),
    route("auth/password/change", ChangePassword.as_view(), name="password-change"),
    route("auth/password/reset", AskForPasswordReset.as_view(), name="password-reset"),
    route("auth/password/reset/confirm", ResetPassword.as_view(), name="password-reset-confirm"),
    route("auth/2fa", ShowTwoFactor.as_view(), name="two-factor"),
    route("auth/2fa/setup", SetUpTwoFactor.as_view(), name="two-factor-setup"),
    route("auth/2fa/confirm", ConfirmTwoFactor.as_view(), name="two-factor-confirm"),
    route("auth/2fa/disable", DisableTwoFactor.as_view(), name="two-factor-disable"),
    route("auth/2fa/recovery-codes", RenewRecoveryCodes.as_view(), name="recovery-codes"),
    route("auth/keys", Keys.as_view(), name="keys"),
    route("auth/keys/current", ShowCurrentKey.as_view(), name="key-current"),
    route("auth/keys/<int:key_id>", OneKey.as_view(), name="key"),
    route("admin/pending-users", ListPendingUsers.as_view(), name="pending-users"),
    route("admin/approve/<int:user_id>", ApproveUser.as_view(), name="user-approve"),
    route("admin/disable/<int:user_id>", DisableUser.as_view(), name="user-disable"),
    route("admin/enable/<int:user_id>", EnableUser.as_view(), name="user-enable"),
    route("admin/role/<int:user_id>", ChangeRole.as_view(), name="user-role"),
    route("admin/revoke-sessions/<int:user_id>", RevokeUserSessions.as_view(), name="user-revoke-sessions"),
    route("admin/service-accounts", CreateService.as_view(), name="services"),
    route("admin/service-accounts/<int:user_id>/keys", CreateServiceKey.as_view(), name="service-keys"),
    route("admin/audit-logs", ListAuditLogs.as_view(), name="audit-logs"),
    route("tasks/active", ListActiveTasks.as_view(), name="active-tasks"),
    route("tasks/<uuid:task_id>", CancelTask.as_view(), name="task"),
    route("tasks/<uuid:task_id>/status", ShowTaskStatus.as_view(), name="task-status"),
    route("tasks/<uuid:task_id>/result", ShowTaskResult.as_view(), name="task-result"),
]

unversioned = [
    route("auth/sessions", ListSessions.as_view(), name="sessions-unversioned"),
    route("auth/sessions/<uuid:session_id>/revoke", RevokeSession.as_view(), name="session-revoke-unversioned"),
    route("auth/logout", LogOut.as_view(), name="logout-unversioned"),
    route("auth/logout-all", LogOutEverywhere.as_view(), name="logout-all-unversioned"),
]
