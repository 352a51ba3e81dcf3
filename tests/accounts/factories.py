"""The cast: people of each role, their jobs, their deeds."""

from datetime import UTC, datetime
from functools import cache

from django.contrib.auth.hashers import make_password
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory

from accounts.models import AuditEntry, Job, Mail, User
from accounts.roles import Role

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


@cache
def hashed_password() -> str:
    """One hash for everybody: making one is slow by design."""
    return make_password(PASSWORD)


class UserFactory(DjangoModelFactory[User]):
    """An active viewer whose password is `PASSWORD`."""

    class Meta:
        model = User

    username = Sequence(lambda n: f"person_{n}")
    email = LazyAttribute(lambda person: f"{person.username}@example.com")
    role = Role.VIEWER
    status = User.Status.ACTIVE
    password = LazyFunction(hashed_password)


class JobFactory(DjangoModelFactory[Job]):
    """A job that waits for a worker."""

    class Meta:
        model = Job

    kind = "update_market_data"
    owner = SubFactory(UserFactory)
    parameters = LazyFunction(lambda: {"limit": 50})
    created_at = NOON

    class Params:
        running = Trait(state=Job.State.RUNNING, attempt=1, started_at=NOON)
        succeeded = Trait(
            state=Job.State.SUCCEEDED,
            attempt=1,
            started_at=NOON,
            finished_at=NOON,
            progress=100,
            result={"updated": 50},
        )
        failed = Trait(
            state=Job.State.FAILED,
            attempt=1,
            started_at=NOON,
            finished_at=NOON,
            error_code="provider_unavailable",
            error_message="No provider of market data answers at the moment.",
        )


class AuditEntryFactory(DjangoModelFactory[AuditEntry]):
    """Something that was done at noon."""

    class Meta:
        model = AuditEntry

    actor = SubFactory(UserFactory)
    verb = "accounts.user.role_changed"
    happened_at = NOON


class MailFactory(DjangoModelFactory[Mail]):
    """A mail that waits to be sent."""

    class Meta:
        model = Mail

    recipient = "alice@example.com"
    template = "account_approved"
    context = LazyFunction(lambda: {"username": "alice"})
    created_at = NOON
    next_attempt_at = NOON

    class Params:
        sent = Trait(attempts=1, sent_at=NOON)
        given_up = Trait(attempts=8, given_up_at=NOON, last_error="OSError: away")
        reset = Trait(
            template="password_reset",
            context=LazyFunction(lambda: {"username": "alice", "token": "the-token", "valid_minutes": 30}),
        )
