from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from django.db import connection

from accounts.actions import two_factor
from accounts.actions.two_factor import OtpInvalid, SecondFactorEnabled, SecondFactorNotSetUp
from accounts.models import AuditEntry, Mail, RecoveryCode, Session, TotpDevice
from config.kernel.errors import RateLimited
from tests.accounts.factories import SessionFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the key of the examples in RFC 6238, appendix B


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com")


@pytest.fixture
def enrolled(alice):
    """Alice with an app that holds the secret of the RFC, and her recovery codes."""
    two_factor.set_up(alice, at=NOON)
    TotpDevice.objects.update(secret=RFC_SECRET)
    codes = two_factor.confirm(alice, code_at(NOON), session_id=None, at=NOON)
    Mail.objects.all().delete()
    return alice, codes


def code_at(at):
    return pyotp.TOTP(RFC_SECRET).at(at)


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_rfc(alice, seconds, code):
    TotpDevice.objects.create(user=alice, secret=RFC_SECRET, created_at=NOON, confirmed_at=NOON)

    two_factor.verify(alice, code, at=datetime.fromtimestamp(seconds, UTC))


def test_secret_counts_only_after_a_first_code(alice):
    enrolment = two_factor.set_up(alice, at=NOON)
    assert two_factor.is_enabled(alice) is False

    with pytest.raises(OtpInvalid):
        two_factor.confirm(alice, "000000", session_id=None, at=NOON)
    assert two_factor.is_enabled(alice) is False

    codes = two_factor.confirm(alice, pyotp.TOTP(enrolment.secret).at(NOON), session_id=None, at=NOON)
    assert two_factor.is_enabled(alice) is True
    assert len(set(codes)) == 10
    assert f"secret={enrolment.secret}" in enrolment.uri


def test_secret_stands_in_no_row_in_clear(alice):
    enrolment = two_factor.set_up(alice, at=NOON)

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(d)::text FROM accounts_totpdevice d")
        (row,) = cursor.fetchone()
    assert enrolment.secret not in row
    assert TotpDevice.objects.get().secret == enrolment.secret


def test_confirmation_ends_other_sessions_and_marks_this_one(alice):
    here, there = SessionFactory.create_batch(2, user=alice)
    enrolment = two_factor.set_up(alice, at=NOON)

    two_factor.confirm(alice, pyotp.TOTP(enrolment.secret).at(NOON), session_id=here.pk, at=NOON)

    here.refresh_from_db()
    there.refresh_from_db()
    assert (here.second_factor, here.ending) == (True, "")
    assert (there.second_factor, there.ending) == (False, "second_factor_changed")
    assert list(Mail.objects.values_list("template", "context__change")) == [("two_factor_changed", "enabled")]
    assert AuditEntry.objects.about(alice).verbs() == ["accounts.second_factor.enabled"]


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_clock_of_the_phone_may_be_one_step_off(enrolled, steps):
    alice, _ = enrolled
    later = NOON + timedelta(minutes=5)

    two_factor.verify(alice, code_at(later + timedelta(seconds=30 * steps)), at=later)


@pytest.mark.parametrize("steps", [-2, 2])
def test_clock_two_steps_off_is_refused(enrolled, steps):
    alice, _ = enrolled
    later = NOON + timedelta(minutes=5)

    with pytest.raises(OtpInvalid):
        two_factor.verify(alice, code_at(later + timedelta(seconds=30 * steps)), at=later)


def test_code_is_good_once_and_older_ones_not_after_it(enrolled):
    alice, _ = enrolled
    later = NOON + timedelta(minutes=5)
    two_factor.verify(alice, code_at(later), at=later)

    for code in (code_at(later), code_at(later - timedelta(seconds=30))):
        with pytest.raises(OtpInvalid):
            two_factor.verify(alice, code, at=later)


def test_recovery_code_is_good_once_however_it_is_written(enrolled):
    alice, codes = enrolled

    two_factor.verify(alice, f" {codes[0].lower().replace('-', ' ')}", at=NOON)

    with pytest.raises(OtpInvalid):
        two_factor.verify(alice, codes[0], at=NOON)
    assert alice.recovery_codes.unused().count() == 9
    assert not RecoveryCode.objects.filter(digest__in=codes).exists()


def test_sixth_wrong_code_in_a_quarter_of_an_hour_is_not_even_looked_at(enrolled):
    alice, codes = enrolled
    for _ in range(5):
        with pytest.raises(OtpInvalid):
            two_factor.verify(alice, "000000", at=NOON)

    with pytest.raises(RateLimited) as refused:
        two_factor.verify(alice, codes[0], at=NOON)

    assert refused.value.details["scope"] == "second_factor"
    assert refused.value.details["retry_after"] in range(890, 901)
    assert alice.recovery_codes.unused().count() == 10


def test_set_up_again_needs_it_off_first(enrolled):
    alice, _ = enrolled

    with pytest.raises(SecondFactorEnabled):
        two_factor.set_up(alice, at=NOON)

    assert TotpDevice.objects.get().secret == RFC_SECRET


def test_confirm_twice_or_before_set_up_is_a_conflict(enrolled):
    alice, _ = enrolled

    with pytest.raises(SecondFactorEnabled):
        two_factor.confirm(alice, code_at(NOON), session_id=None, at=NOON)
    with pytest.raises(SecondFactorNotSetUp):
        two_factor.confirm(UserFactory.create(), "123456", session_id=None, at=NOON)


def test_off_means_no_code_is_good_any_more(enrolled):
    alice, codes = enrolled

    two_factor.disable(alice, at=NOON)

    assert two_factor.is_enabled(alice) is False
    assert not RecoveryCode.objects.exists()
    with pytest.raises(OtpInvalid):
        two_factor.verify(alice, codes[0], at=NOON)
    with pytest.raises(SecondFactorNotSetUp):
        two_factor.disable(alice, at=NOON)


def test_new_recovery_codes_replace_the_old(enrolled):
    alice, old = enrolled

    new = two_factor.renew_recovery_codes(alice, session_id=None, at=NOON)

    assert not set(old) & set(new)
    with pytest.raises(OtpInvalid):
        two_factor.verify(alice, old[0], at=NOON)
    two_factor.verify(alice, new[0], at=NOON)
    with pytest.raises(SecondFactorNotSetUp):
        two_factor.renew_recovery_codes(UserFactory.create(), session_id=None, at=NOON)


def test_administrator_can_reset_it_for_somebody_who_has_lost_everything(enrolled):
    alice, _ = enrolled
    boss = UserFactory.create(role="admin")
    SessionFactory.create(user=alice)

    two_factor.reset(alice, by=boss, at=NOON, reason="phone in the river")

    assert two_factor.is_enabled(alice) is False
    assert not Session.objects.open().exists()
    entry = AuditEntry.objects.about(alice).reverse()[0]
    assert (entry.verb, entry.actor, entry.reason) == ("accounts.second_factor.reset", boss, "phone in the river")
    with pytest.raises(SecondFactorNotSetUp):
        two_factor.reset(alice, by=boss, at=NOON, reason="again")
