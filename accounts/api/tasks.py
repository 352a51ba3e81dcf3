from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import jobs
from accounts.api.serializers import (
    ActiveTasksAnswer,
    TaskCancellationAnswer,
    TaskResult,
    TaskResultAnswer,
    TaskStarted,
    TaskStatus,
    TaskStatusAnswer,
)
from accounts.models import Job, User
from accounts.queries.standing import Standing, standings
from accounts.scopes import Scope
from config.kernel import clock, pages
from config.kernel.errors import Conflict, Gone, NotFound, ValidationFailed
from config.kernel.parameters import Integer, Parameters, Text
from config.kernel.schema import Problem
from config.kernel.views import ApiView

_ACTIVE = Parameters(
    page_size=Integer(default=50, minimum=1, maximum=200, description="How many tasks."),
    cursor=Text(max_length=4_000, description="Where to go on, from `next` of the page before."),
)


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

    def standing(self, request: Request, task_id: UUID) -> Standing:
        """The job, if the caller may see it; one that is not theirs is as good as absent."""
        found = standings(Job.objects.visible_to(request.user).filter(pk=task_id))
        if not found:
            raise NotFound
        return found[0]


class ShowTaskStatus(_TaskView):
    """How far a task has come. While it is not finished, `Retry-After` says when to ask again."""

    @extend_schema(responses={200: TaskStatusAnswer})
    def get(self, request: Request, task_id: UUID) -> Response:
        standing = self.standing(request, task_id)
        return Response({"data": TaskStatus(standing).data}, headers=_retry_after(standing))


class ShowTaskResult(_TaskView):
    """What came of a task: its result, or the error that it failed with."""

    @extend_schema(responses={200: TaskResultAnswer, 409: Problem, 410: Problem})
    def get(self, request: Request, task_id: UUID) -> Response:
        standing = self.standing(request, task_id)
        job = standing.job
        if not job.is_finished:
            raise TaskNotReady(status=job.celery_word, progress=job.progress, headers=_retry_after(standing))
        if job.state == Job.State.CANCELLED:
            raise TaskCancelled
        return Response({"data": TaskResult(job).data})


class CancelTask(_TaskView):
    """Ask that a task have no result: at once if it waits, at its next step if it runs, not at all once it is done."""

    @extend_schema(responses={200: TaskCancellationAnswer})
    def delete(self, request: Request, task_id: UUID) -> Response:
        job = self.standing(request, task_id).job
        person = cast(User, request.user)  # nobody else sees a job
        cancellation = jobs.cancel(job, by=person, at=clock.now())
        job.refresh_from_db()
        return Response({"data": {**TaskStarted(job).data, "cancellation": cancellation}})


class ListActiveTasks(ApiView):
    """The tasks that have not finished, newest first: one's own, or everybody's for operators."""

    key_scope = Scope.TASKS
    parameters = _ACTIVE

    @extend_schema(responses={200: ActiveTasksAnswer})
    def get(self, request: Request) -> Response:
        active = Job.objects.visible_to(request.user).active()
        size = self.values["page_size"]
        shown = active.order_by("-pk")  # in the order of their making, by the nature of the key
        if self.values["cursor"] is not None:
            shown = shown.filter(pk__lt=_position(self.values["cursor"]))
        found = standings(shown[: size + 1])
        following = None
        if len(found) > size:
            found = found[:size]
            query = {"page_size": size, "cursor": pages.encode_cursor({"id": str(found[-1].job.pk)})}
            following = f"{request.path}?{urlencode(query)}"
        page = pages.page(list(TaskStatus(found, many=True).data), count=active.count(), next=following)
        return Response({"data": page}, headers=pages.link_header(next=following))


def _position(cursor: str) -> UUID:
    try:
        return UUID(str(pages.decode_cursor(cursor)["id"]))
    except (KeyError, ValueError) as error:
        raise ValidationFailed(fields={"cursor": ["This is not a cursor that this API has issued."]}) from error


def _retry_after(standing: Standing) -> dict[str, str]:
    return {} if standing.ask_again_after is None else {"Retry-After": str(standing.ask_again_after)}
