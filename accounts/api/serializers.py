"""The shapes of the accounts API."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer, inline_serializer
from rest_framework import serializers

from accounts.models import User
from accounts.models.job import CELERY_WORDS, IN_PROGRESS
from config.kernel.serializers import PasswordField, StrictSerializer

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


class TaskStatus(TaskStarted):
    progress = serializers.IntegerField(min_value=0, max_value=100, help_text="Percent.")
    attempts = serializers.IntegerField(source="attempt", min_value=0)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True, help_text="Of the latest attempt.")
    finished_at = serializers.DateTimeField(allow_null=True)
    error = TaskError(allow_null=True)


class TaskResult(TaskStarted):
    result = serializers.DictField(allow_null=True, help_text="What the kind of task promises; null after a failure.")
    error = TaskError(allow_null=True)


def _in_data(name: str, content: TaskStarted, **examples: dict[str, object]) -> type[serializers.Serializer]:
    """The envelope of every answer about a task: `{"data": ...}`."""
    envelope = type(inline_serializer(name, {"data": content}))
    shown = [OpenApiExample(title, value={"data": {**_TASK, **value}}) for title, value in examples.items()]
    return extend_schema_serializer(examples=shown)(envelope)


TaskStartedAnswer = _in_data("TaskStartedAnswer", TaskStarted(), Accepted={"status": "PENDING"})
TaskStatusAnswer = _in_data(
    "TaskStatusAnswer",
    TaskStatus(),
    Running={
        "status": "PROGRESS",
        "progress": 40,
        "attempts": 1,
        "created_at": "2026-03-12T12:00:00Z",
        "started_at": "2026-03-12T12:00:01Z",
        "finished_at": None,
        "error": None,
    },
)
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
