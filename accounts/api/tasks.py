from http import HTTPStatus
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers import TaskResult, TaskResultAnswer, TaskStarted, TaskStatus, TaskStatusAnswer
from accounts.models import Job
from accounts.scopes import Scope
from config.kernel.errors import Conflict, Gone, NotFound
from config.kernel.schema import Problem
from config.kernel.views import ApiView


class TaskNotReady(Conflict):
    code = "task_not_ready"
    message = "This task has not finished; ask for its status."


class TaskCancelled(Gone):
    code = "task_cancelled"
    message = "This task was cancelled and has no result."


def accepted(job: Job) -> Response:
    """The answer to a request that started a job: 202, its id, and where its status is found."""
    return Response(
        {"data": TaskStarted(job).data},
        status=HTTPStatus.ACCEPTED,
        headers={"Location": reverse("task-status", kwargs={"task_id": job.pk})},
    )


class _TaskView(ApiView):
    key_scope = Scope.TASKS

    def job(self, request: Request, task_id: UUID) -> Job:
        """The job, if the caller may see it; one that is not theirs is as good as absent."""
        job = Job.objects.visible_to(request.user).filter(pk=task_id).first()
        if job is None:
            raise NotFound
        return job


class ShowTaskStatus(_TaskView):
    """How far a task has come."""

    @extend_schema(responses={200: TaskStatusAnswer})
    def get(self, request: Request, task_id: UUID) -> Response:
        return Response({"data": TaskStatus(self.job(request, task_id)).data})


class ShowTaskResult(_TaskView):
    """What came of a task: its result, or the error that it failed with."""

    @extend_schema(responses={200: TaskResultAnswer, 409: Problem, 410: Problem})
    def get(self, request: Request, task_id: UUID) -> Response:
        job = self.job(request, task_id)
        if not job.is_finished:
            raise TaskNotReady(status=job.celery_word, progress=job.progress, headers={"Retry-After": "1"})
        if job.state == Job.State.CANCELLED:
            raise TaskCancelled
        return Response({"data": TaskResult(job).data})
