from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Mail
from tests.accounts.factories import NOON, MailFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_pending_mail_is_due_from_its_next_attempt_on_and_the_longest_waiting_comes_first():
    later = MailFactory.create(next_attempt_at=NOON)
    first = MailFactory.create(next_attempt_at=NOON - timedelta(hours=1))
    MailFactory.create(next_attempt_at=NOON + timedelta(microseconds=1))
    MailFactory.create(sent=True)
    MailFactory.create(given_up=True)

    assert list(Mail.objects.due(NOON)) == [first, later]
    assert Mail.objects.pending().count() == 3
    assert Mail.objects.settled().count() == 2


def test_backlog_is_what_is_pending_and_since_when():
    assert Mail.objects.backlog() == (0, None)
    MailFactory.create(created_at=NOON)
    MailFactory.create(created_at=NOON - timedelta(hours=2))
    MailFactory.create(sent=True, created_at=NOON - timedelta(hours=3))

    assert Mail.objects.backlog() == (2, NOON - timedelta(hours=2))


@pytest.mark.parametrize(
    ("trait", "state"), [({}, "pending"), ({"sent": True}, "sent"), ({"given_up": True}, "given up")]
)
def test_mail_is_known_by_its_template_its_state_and_a_shortened_address(trait, state):
    mail = MailFactory.create(**trait)

    assert (str(mail), mail.state) == ("account_approved to a***@example.com", state)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"template": ""}, "mail_template_is_given"),
        ({"recipient": ""}, "mail_recipient_is_one_line"),
        ({"recipient": "alice@example.com\nBcc: eve@example.com"}, "mail_recipient_is_one_line"),
        ({"recipient": "alice@example.com\rBcc: eve@example.com"}, "mail_recipient_is_one_line"),
        ({"attempts": 9}, "mail_attempts_are_limited"),
        ({"attempts": 8, "sent_at": NOON, "given_up_at": NOON}, "mail_is_sent_or_given_up"),
        ({"sent_at": NOON}, "mail_is_settled_by_an_attempt"),
        ({"given_up_at": NOON}, "mail_is_settled_by_an_attempt"),
        ({"context": None}, "mail_is_remembered_while_pending"),
    ],
)
def test_database_refuses_states_that_cannot_be(changes, constraint):
    mail = MailFactory.create()
    before = Mail.objects.values().get(pk=mail.pk)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Mail.objects.filter(pk=mail.pk).update(**changes)

    assert Mail.objects.values().get(pk=mail.pk) == before
