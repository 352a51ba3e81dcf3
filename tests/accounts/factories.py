"""The cast: people of each role, their jobs, their deeds."""

from datetime import UTC, datetime
from functools import cache

import factory
from django.contrib.auth.hashers import make_password

from accounts.models import AuditEntry, Job, User
from accounts.roles import Role

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


@cache
def hashed_password() -> str:
    """One hash for everybody: making one is slow by design."""
    return make_password(PASSWORD)


class UserFactory(factory.django.DjangoModelFactory):
    """An active viewer whose password is `PASSWORD`."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person_{n}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@example.com")
    role = Role.VIEWER
    status = User.Status.ACTIVE
    password = factory.LazyFunction(hashed_password)


class JobFactory(factory.django.DjangoModelFactory):
    """A job that waits for a worker."""

    class Meta:
        model = Job

    kind = "update_market_data"
    owner = factory.SubFactory(UserFactory)
    parameters = factory.LazyFunction(lambda: {"limit": 50})
    created_at = NOON

    class Params:
        running = factory.Trait(state=Job.State.RUNNING, attempt=1, started_at=NOON)
        succeeded = factory.Trait(
            state=Job.State.SUCCEEDED,
            attempt=1,
            started_at=NOON,
            finished_at=NOON,
            progress=100,
            result={"updated": 50},
        )
        failed = factory.Trait(
            state=Job.State.FAILED,
            attempt=1,
            started_at=NOON,
            finished_at=NOON,
            error_code="provider_unavailable",
            error_message="No provider of market data answers at the moment.",
        )


class AuditEntryFactory(factory.django.DjangoModelFactory):
    """Something that was done at noon."""

    class Meta:
        model = AuditEntry

    actor = factory.SubFactory(UserFactory)
    verb = "accounts.user.role_changed"
    happened_at = NOON
