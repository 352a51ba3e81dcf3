"""Below /api/v1/."""

from accounts.api.login import LogIn, Refresh
from accounts.api.me import ShowMe
from accounts.api.tasks import CancelTask, ListActiveTasks, ShowTaskResult, ShowTaskStatus
from config.kernel.routes import route

urlpatterns = [
    route("auth/login", LogIn.as_view(), name="login"),
    route("login", LogIn.as_view(), name="login-short"),
    route("auth/refresh", Refresh.as_view(), name="refresh"),
    route("refresh", Refresh.as_view(), name="refresh-short"),
    route("me", ShowMe.as_view(), name="me"),
    route("tasks/active", ListActiveTasks.as_view(), name="active-tasks"),
    route("tasks/<uuid:task_id>", CancelTask.as_view(), name="task"),
    route("tasks/<uuid:task_id>/status", ShowTaskStatus.as_view(), name="task-status"),
    route("tasks/<uuid:task_id>/result", ShowTaskResult.as_view(), name="task-result"),
]
