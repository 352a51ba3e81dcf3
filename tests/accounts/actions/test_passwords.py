from datetime import UTC, datetime

import pytest

from accounts.actions import passwords
from accounts.actions.passwords import WrongPassword
from accounts.clients import Client
from accounts.models import AuditEntry, Mail, Session, User
from config.kernel.errors import RateLimited, ValidationFailed
from tests.accounts.factories import PASSWORD, SessionFactory, UserFactory
from tests.support.refusals import culprits

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
HOME = Client.of(address="203.0.113.9", user_agent="curl/8")
NEW = "seven green bottles"


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com")


def reset_token(alice):
    passwords.ask_for_reset("Alice@Example.com", at=NOON)
    return Mail.objects.order_by("-pk").values_list("context__token", flat=True)[0]


def test_change_stores_the_new_one_and_ends_every_session(alice):
    SessionFactory.create_batch(2, user=alice)

    passwords.change(alice, PASSWORD, NEW, client=HOME, at=NOON)

    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert alice.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert alice.token_version == 1
    assert set(Session.objects.values_list("ending", flat=True)) == {"password_changed"}
    assert AuditEntry.objects.about(alice).verbs() == ["accounts.password.changed"]
    assert [(mail.template, mail.recipient) for mail in Mail.objects.all()] == [
        ("password_changed", "alice@example.com")
    ]


def test_wrong_current_password_changes_nothing_and_is_counted(alice):
    for _ in range(5):
        with pytest.raises(WrongPassword):
            passwords.change(alice, "wrong", NEW, client=HOME, at=NOON)
    with pytest.raises(RateLimited):
        passwords.change(alice, PASSWORD, NEW, client=HOME, at=NOON)

    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert (alice.token_version, Mail.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password123",
        "alice@example",
        "alice12345",
        "cryptoplatform",
        "CryptoPlatform1",
        "bitcoin2026",
        "x" * 129,
        "1234567890",
    ],
)
def test_unacceptable_passwords_are_refused(alice, password):
    with pytest.raises(ValidationFailed) as refused:
        passwords.change(alice, PASSWORD, password, client=HOME, at=NOON)

    assert culprits(refused.value) == {"new_password"}
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize("password", ["only lower case words", "пароль из слов", "1029384756 1", "x1" * 64])
def test_there_are_no_rules_of_composition(alice, password):
    passwords.change(alice, PASSWORD, password, client=HOME, at=NOON)

    alice.refresh_from_db()
    assert alice.check_password(password)


def test_reset_works_once(alice):
    token = reset_token(alice)

    assert passwords.reset(token, NEW, client=HOME, at=NOON) == alice

    alice.refresh_from_db()
    assert alice.check_password(NEW)
    with pytest.raises(ValidationFailed):
        passwords.reset(token, "another good one", client=HOME, at=NOON)
    alice.refresh_from_db()
    assert alice.check_password(NEW)


@pytest.mark.parametrize("token", ["", "x", "MQ-x", "!!-!!", "MQ", "-", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk-x", "\0"])
def test_made_up_tokens_are_refused(alice, token):
    with pytest.raises(ValidationFailed):
        passwords.reset(token, NEW, client=HOME, at=NOON)


def test_token_is_nothing_after_the_password_was_changed_or_the_account_shut(alice):
    token = reset_token(alice)
    User.objects.update(status="disabled")
    with pytest.raises(ValidationFailed):
        passwords.reset(token, NEW, client=HOME, at=NOON)

    User.objects.update(status="active")
    passwords.change(alice, PASSWORD, NEW, client=HOME, at=NOON)
    with pytest.raises(ValidationFailed):
        passwords.reset(token, "another good one", client=HOME, at=NOON)


@pytest.mark.parametrize("status", ["active", "disabled"])
def test_mailbox_without_an_active_account_is_told_so_and_gets_no_token(alice, status):
    User.objects.update(status=status)

    passwords.ask_for_reset("nobody@example.com" if status == "active" else alice.email, at=NOON)

    mail = Mail.objects.get()
    assert (mail.template, mail.context) == ("password_reset_unknown", {})
    assert AuditEntry.objects.get().subject_id == ""


def test_mailbox_is_not_flooded(alice):
    for _ in range(9):
        passwords.ask_for_reset("alice@example.com", at=NOON)

    assert Mail.objects.count() == 5


def test_bcrypt_hash_from_elsewhere_is_verified_and_replaced(alice):
    # Made with another library: bcrypt of "correct horse battery staple", through SHA-256 as Django's hasher has it.
    from django.contrib.auth.hashers import make_password

    User.objects.update(password=make_password(PASSWORD, hasher="bcrypt_sha256"))
    alice.refresh_from_db()

    passwords.require(alice, PASSWORD)

    alice.refresh_from_db()
    assert alice.password.startswith("argon2$")
