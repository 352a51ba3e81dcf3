"""The cast: people of each role, their jobs, their deeds."""

from datetime import UTC, datetime, timedelta
from functools import cache

from django.contrib.auth.hashers import make_password
from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory

from accounts.credentials import digest_of
from accounts.models import ApiKey, AuditEntry, Incident, Job, Mail, Session, User
from accounts.roles import Role
from accounts.scopes import Scope
from config.kernel import clock

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


class SessionFactory(DjangoModelFactory[Session]):
    """Somebody logged in at noon and has not done anything since."""

    class Meta:
        model = Session

    user = SubFactory(UserFactory)
    device = "Firefox on Linux"
    user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    address = "203.0.113.9"
    created_at = NOON
    last_seen_at = rotated_at = SelfAttribute("created_at")


KEY_TEXT = "tp_live_0123abcd_" + "5e" * 32


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    """A key for reading the market, whose text is `KEY_TEXT`."""

    class Meta:
        model = ApiKey

    owner = SubFactory(UserFactory)
    name = "dashboard"
    prefix = KEY_TEXT.rpartition("_")[0]
    digest = digest_of(KEY_TEXT)
    scopes = LazyFunction(lambda: [Scope.MARKET_READ])
    created_at = NOON


class JobFactory(DjangoModelFactory[Job]):
    """A job that waits for a worker."""

    class Meta:
        model = Job

    kind = "update_market_data"
    owner = SubFactory(UserFactory)
    parameters = LazyFunction(lambda: {"limit": 50})
    created_at = NOON

    class Params:
        running = Trait(
            state=Job.State.RUNNING,
            attempt=1,
            started_at=NOON,
            worker="somewhere:1:1",
            heartbeat_at=LazyFunction(clock.now),
            lease_until=LazyFunction(lambda: clock.now() + timedelta(minutes=1)),
        )
        retrying = Trait(state=Job.State.RETRYING, attempt=1, started_at=NOON, error_code="provider_unavailable")
        succeeded = Trait(
            state=Job.State.SUCCEEDED,
            attempt=1,
            started_at=NOON,
            finished_at=NOON,
            progress=100,
            result={"updated": 50},
        )
        dead = Trait(
            state=Job.State.DEAD,
            attempt=3,
            started_at=NOON,
            finished_at=NOON,
            error_code="worker_lost",
            error_message="The process that performed it was lost.",
        )
        cancelled = Trait(state=Job.State.CANCELLED, finished_at=NOON, cancel_requested_at=NOON)
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


class IncidentFactory(DjangoModelFactory[Incident]):
    """A queue that has been old since noon."""

    class Meta:
        model = Incident

    kind = "old_queue"
    subject = Sequence(lambda n: f"queue_{n}")
    severity = Incident.Severity.WARNING
    summary = "3 jobs waited for more than 5 minutes."
    opened_at = NOON
    last_seen_at = NOON
