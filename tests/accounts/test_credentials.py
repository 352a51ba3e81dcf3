import pytest

from accounts import credentials
from accounts.models import Session, TotpDevice
from config.kernel import clock
from tests.accounts.factories import KEY_TEXT, NOON, ApiKeyFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def token(bearer):
    return bearer(UserFactory.create(username="alice"))["Authorization"].removeprefix("Bearer ")


def test_known_token_costs_no_query(token, django_assert_num_queries):
    at = clock.now()
    credentials.of_token(token, at=at)

    with django_assert_num_queries(0):
        user, credential = credentials.of_token(token, at=at)

    assert (user.username, credential.session_id) == ("alice", Session.objects.get().pk)


def test_what_a_request_does_with_its_user_is_its_own(token):
    at = clock.now()
    first, _ = credentials.of_token(token, at=at)
    first.username = "mallory"
    assert not hasattr(first, "totp_device")
    TotpDevice.objects.create(user=first, secret="GEZDGNBVGY3TQOJQ", created_at=NOON)

    second, _ = credentials.of_token(token, at=at)

    assert (second.username, second.totp_device.user_id) == ("alice", second.pk)


def test_use_is_noted_to_the_minute(token, django_assert_num_queries):
    at = clock.now()
    credentials.of_token(token, at=at)
    Session.objects.update(last_seen_at=at)
    later = at + credentials.NOTED_EVERY

    with django_assert_num_queries(1):
        credentials.of_token(token, at=later)
        credentials.of_token(token, at=later)

    assert Session.objects.get().last_seen_at == later


def test_use_of_a_key_is_noted_with_its_address():
    key = ApiKeyFactory.create(created_at=NOON)
    at = clock.now()

    credentials.of_key(KEY_TEXT, address="203.0.113.9", at=at)

    key.refresh_from_db()
    assert (key.last_used_at, key.last_used_from) == (at, "203.0.113.9")
