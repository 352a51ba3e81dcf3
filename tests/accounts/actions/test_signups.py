from datetime import UTC, datetime

import pytest

from accounts.actions import signups
from accounts.clients import Client
from accounts.models import AuditEntry, Mail, User
from config.kernel.errors import ValidationFailed
from tests.accounts.factories import UserFactory
from tests.support.refusals import culprits

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
HOME = Client.of(address="203.0.113.9", user_agent="curl/8")
PASSWORD = "seven green bottles"


@pytest.fixture(autouse=True)
def _somebody_to_tell(settings):
    settings.ADMIN_NOTIFICATION_EMAIL = "desk@example.com"


def sign_up(username="alice", email="Alice@Example.com", password=PASSWORD, client=HOME):
    signups.sign_up(username, email, password, client=client, at=NOON)


def test_newcomer_waits_for_approval_and_somebody_hears_of_it():
    sign_up(username=" alice ")

    alice = User.objects.get()
    assert (alice.username, alice.email, alice.email_canonical) == ("alice", "Alice@Example.com", "alice@example.com")
    assert (alice.role, alice.status, alice.kind) == ("viewer", "pending", "person")
    assert (alice.signup_address, alice.signup_flags) == ("203.0.113.9", [])
    assert alice.check_password(PASSWORD)
    mail = Mail.objects.values_list("template", "recipient", "context__username").get()
    assert mail == ("signup_pending", "desk@example.com", "alice")
    assert AuditEntry.objects.about(alice).verbs() == ["accounts.user.signed_up"]


@pytest.mark.parametrize(
    ("username", "email", "reason"),
    [
        ("alice", "other@example.com", "username"),
        ("ALICE", "other@example.com", "username"),
        ("other", "ALICE@example.com", "email"),
        ("alice", "alice@example.com", "email"),
    ],
)
def test_what_is_taken_is_told_to_the_address_alone(username, email, reason):
    sign_up()
    Mail.objects.all().delete()

    sign_up(username=username, email=email)

    assert User.objects.count() == 1
    mail = Mail.objects.get()
    assert (mail.template, mail.recipient, mail.context) == ("signup_known", email, {"reason": reason})


@pytest.mark.parametrize(
    ("fields", "culprit"),
    [
        ({"username": "al ice"}, "username"),
        ({"username": "\N{CYRILLIC SMALL LETTER A}lice"}, "username"),
        ({"username": "alice\u200b"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "a" * 65}, "username"),
        ({"email": "nowhere"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "alice.example"}, "password"),
    ],
)
def test_what_could_never_be_an_account_is_refused(fields, culprit):
    with pytest.raises(ValidationFailed) as refused:
        sign_up(**fields)

    assert culprits(refused.value) == {culprit}
    assert (User.objects.count(), Mail.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("username", "email", "flags"),
    [
        ("alice", "alice@mailinator.com", ["disposable_mailbox"]),
        ("the_admin", "a@example.com", ["resembles_staff"]),
        ("supp0rt", "a@example.com", ["resembles_staff"]),
        ("b0ss", "a@example.com", ["resembles_staff"]),
        ("bossy", "a@example.com", []),
    ],
)
def test_second_look_is_suggested_where_something_is_odd(username, email, flags):
    UserFactory.create(username="boss", role="admin")

    sign_up(username=username, email=email)

    assert User.objects.get(username=username).signup_flags == flags


def test_third_sign_up_from_one_address_in_a_day_is_flagged():
    for name in ("anna", "berta", "clara"):
        sign_up(username=name, email=f"{name}@example.com")

    assert [user.signup_flags for user in User.objects.order_by("pk")] == [[], [], ["shared_address"]]


def test_mailbox_of_somebody_else_is_not_flooded():
    sign_up()
    Mail.objects.all().delete()

    for number in range(9):
        sign_up(username=f"other_{number}")

    assert Mail.objects.count() == 5
