"""The shapes of the accounts API."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer, inline_serializer
from rest_framework import serializers

from accounts.actions.jobs import Cancellation
from accounts.models import User
from accounts.models.job import CELERY_WORDS, IN_PROGRESS
from config.kernel.serializers import Page, PasswordField, StrictSerializer

TASK_STATUSES = [*CELERY_WORDS.values(), IN_PROGRESS]

_TASK = {"task_id": "019a9d5e-6f00-7c3e-8a51-0242ac120002"}


@extend_schema_serializer(
    examples=[
        OpenApiExample("User name", value={"username": "alice", "password": "correct horse battery staple"}),
        OpenApiExample("E-mail", value={"username": "alice@example.com", "password": "correct horse battery staple"}),
    ]
)
class Credentials(StrictSerializer):
    username = serializers.CharField(max_length=254, help_text="User name or e-mail address, in any case.")
    password = PasswordField()
    otp = serializers.CharField(
        required=False,
        max_length=40,
        help_text="Code of the authenticator app, or a recovery code, where two-factor authentication is on.",
    )


class RefreshRequest(StrictSerializer):
    refresh_token = serializers.CharField(
        required=False, help_text="May come as `Authorization: Bearer` instead; the body wins."
    )


class TokenPair(serializers.Serializer):
    access_token = serializers.CharField(help_text="For `Authorization: Bearer`.")
    refresh_token = serializers.CharField(
        help_text="Good for a new access token. Using it makes its successor, the one to use next; a token whose "
        "successor has been used ends the session."
    )
    token_type = serializers.ChoiceField(["bearer"])


class Message(serializers.Serializer):
    message = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Viewer",
            value={
                "id": 7,
                "username": "alice",
                "email": "alice@example.com",
                "role": "viewer",
                "status": "active",
                "created_at": "2026-03-12T12:00:00Z",
                "updated_at": "2026-03-12T12:00:00Z",
            },
        )
    ]
)
class Me(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "email", "role", "status", "created_at", "updated_at"]
        read_only_fields = fields
        extra_kwargs = {"role": {"required": True}, "status": {"required": True}}


class TaskError(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class TaskStarted(serializers.Serializer):
    task_id = serializers.UUIDField(source="pk")
    status = serializers.ChoiceField(TASK_STATUSES, source="celery_word")


class TaskStatus(serializers.Serializer):
    """Of a `Standing`."""

    task_id = serializers.UUIDField(source="job.pk")
    kind = serializers.CharField(source="job.kind")
    status = serializers.ChoiceField(TASK_STATUSES, source="job.celery_word")
    progress = serializers.IntegerField(source="job.progress", min_value=0, max_value=100, help_text="Percent.")
    queue_position = serializers.IntegerField(
        min_value=1, allow_null=True, help_text="1 for the next of its queue; null once it does not wait."
    )
    attempts = serializers.IntegerField(source="job.attempt", min_value=0, help_text="How often it was started.")
    max_attempts = serializers.IntegerField(source="job.max_attempts", min_value=0)
    created_at = serializers.DateTimeField(source="job.created_at")
    started_at = serializers.DateTimeField(source="job.started_at", allow_null=True, help_text="Of the latest attempt.")
    finished_at = serializers.DateTimeField(source="job.finished_at", allow_null=True)
    queued_seconds = serializers.FloatField(min_value=0, help_text="How long the latest attempt waited, or waits.")
    running_seconds = serializers.FloatField(
        min_value=0, allow_null=True, help_text="How long the latest attempt has taken; null while one waits."
    )
    error = TaskError(source="job.error", allow_null=True)


class TaskResult(TaskStarted):
    result = serializers.DictField(allow_null=True, help_text="What the kind of task promises; null after a failure.")
    error = TaskError(allow_null=True)


class TaskCancellation(TaskStarted):
    cancellation = serializers.ChoiceField(
        [outcome.value for outcome in Cancellation],
        help_text="`cancelled`: there will be no effect. `cancelling`: it stops at its next step, unless it is done"
        " before. `too_late`: it had finished.",
    )


class ActiveTasks(Page):
    results = TaskStatus(many=True)


def _in_data(name: str, content: serializers.Serializer, **examples: dict[str, object]) -> type[serializers.Serializer]:
    """The envelope of every answer about a task: `{"data": ...}`."""
    envelope = type(inline_serializer(name, {"data": content}))
    shown = [OpenApiExample(title, value={"data": {**_TASK, **value}}) for title, value in examples.items()]
    return extend_schema_serializer(examples=shown)(envelope)


TaskStartedAnswer = _in_data("TaskStartedAnswer", TaskStarted(), Accepted={"status": "PENDING"})
TaskStatusAnswer = _in_data(
    "TaskStatusAnswer",
    TaskStatus(),
    Running={
        "kind": "update_market_data",
        "status": "PROGRESS",
        "progress": 40,
        "queue_position": None,
        "attempts": 1,
        "max_attempts": 3,
        "created_at": "2026-03-12T12:00:00Z",
        "started_at": "2026-03-12T12:00:01Z",
        "finished_at": None,
        "queued_seconds": 1.0,
        "running_seconds": 4.2,
        "error": None,
    },
)
TaskCancellationAnswer = _in_data(
    "TaskCancellationAnswer",
    TaskCancellation(),
    Waiting={"status": "REVOKED", "cancellation": "cancelled"},
    Running={"status": "PROGRESS", "cancellation": "cancelling"},
)
ActiveTasksAnswer = inline_serializer("ActiveTasksAnswer", {"data": ActiveTasks()})
TaskResultAnswer = _in_data(
    "TaskResultAnswer",
    TaskResult(),
    Done={"status": "SUCCESS", "result": {"inserted": 0, "updated": 9}, "error": None},
    Failed={
        "status": "FAILURE",
        "result": None,
        "error": {"code": "provider_unavailable", "message": "No provider of market data answers at the moment."},
    },
)
