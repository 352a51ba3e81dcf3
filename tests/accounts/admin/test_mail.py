import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.actions import role_groups
from accounts.models import AuditEntry, Mail
from accounts.roles import Role
from tests.accounts.factories import MailFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = reverse("admin:accounts_mail_changelist")


@pytest.fixture
def enter(client):
    """Open the admin site as a person of some role."""

    def enter(role):
        role_groups.sync()
        person = UserFactory.create(role=role)
        client.force_login(person)
        return person

    return enter


def page(client, mail):
    return client.get(reverse("admin:accounts_mail_change", args=[mail.pk]))


def send_again(client, *mails, **more):
    return client.post(LIST, {"action": "send_again", "_selected_action": [mail.pk for mail in mails], **more})


def messages(answer, client):
    assert answer.status_code == 302
    return [str(message) for message in client.get(answer.headers["Location"]).context["messages"]]


@pytest.mark.parametrize(("role", "status"), [(Role.MODERATOR, 403), (Role.OPERATOR, 200), (Role.ADMIN, 200)])
def test_operators_and_above_see_what_became_of_mails(client, enter, role, status):
    enter(role)
    mail = MailFactory.create()

    assert [client.get(LIST).status_code, page(client, mail).status_code] == [status, status]


def test_neither_list_nor_page_shows_whole_addresses_or_what_was_said(client, enter):
    enter(Role.OPERATOR)
    mail = MailFactory.create(reset=True)

    for text in (client.get(LIST).content.decode(), page(client, mail).content.decode()):
        assert "a***@example.com" in text
        assert "password_reset" in text
        assert "alice" not in text
        assert "the-token" not in text


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({}, ["pending", "sent", "given up"]),
        ({"state": "pending"}, ["pending"]),
        ({"state": "sent"}, ["sent"]),
        ({"state": "given-up"}, ["given up"]),
        ({"q": "bob@example.com"}, ["sent"]),
        ({"q": "example.com"}, []),
        ({"template": "password_reset"}, ["pending"]),
    ],
)
def test_list_is_filtered_by_state_template_and_whole_address(client, enter, question, found):
    enter(Role.OPERATOR)
    MailFactory.create(given_up=True)
    MailFactory.create(sent=True, recipient="bob@example.com")
    MailFactory.create(reset=True)

    rows = client.get(LIST, question).context["cl"].result_list

    assert [mail.state for mail in rows] == found


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_nobody_writes_mails_by_hand(client, enter, role):
    enter(role)
    mail = MailFactory.create()
    before = list(Mail.objects.values())

    answers = [
        client.post(reverse("admin:accounts_mail_add"), {}),
        client.post(reverse("admin:accounts_mail_change", args=[mail.pk]), {}),
        client.post(reverse("admin:accounts_mail_delete", args=[mail.pk]), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert list(Mail.objects.values()) == before


def test_mail_is_sent_again_for_a_reason_that_is_asked_for(client, enter):
    operator = enter(Role.OPERATOR)
    mail, waiting = MailFactory.create(given_up=True), MailFactory.create()

    asked = send_again(client, mail, waiting)
    assert asked.status_code == 200
    assert "Send these mails again?" in asked.content.decode()
    assert not AuditEntry.objects.exists()

    answer = send_again(client, mail, waiting, reason="The server is back.")

    assert messages(answer, client) == [
        "account_approved to a***@example.com: This mail is still on its way and will be tried again by itself.",
        "1 will be sent again.",
    ]
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.actor, entry.subject_id, entry.reason) == (
        "accounts.mail.sent_again",
        operator,
        str(mail.pk),
        "The server is back.",
    )
    mail.refresh_from_db()
    assert mail.state == "pending"


def test_who_may_only_look_sends_nothing(client, enter):
    person = enter(Role.OPERATOR)
    person.groups.get().permissions.remove(Permission.objects.get(codename="change_mail"))
    mail = MailFactory.create(given_up=True)

    send_again(client, mail, reason="Let me.")

    mail.refresh_from_db()
    assert (mail.state, AuditEntry.objects.count()) == ("given up", 0)


def test_list_asks_as_many_questions_for_twelve_rows_as_for_one(client, enter, django_assert_max_num_queries):
    enter(Role.ADMIN)
    MailFactory.create()
    client.get(LIST)
    with django_assert_max_num_queries(50) as one:
        client.get(LIST)
    MailFactory.create_batch(11)

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(LIST)
