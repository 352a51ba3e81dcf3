import base64
import json
import multiprocessing
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from threading import Barrier
from typing import Any

import pytest
from celery import current_app
from django.db import connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from accounts.actions import mails
from accounts.actions.mails import Outcome
from accounts.models import AuditEntry, Mail
from accounts.tasks import deliver_mail, deliver_mails, forget_mails
from config.kernel import clock
from config.kernel.errors import ValidationFailed
from tests.accounts.factories import NOON, MailFactory, UserFactory
from tests.support.mail_server import certificate, mail_server

pytestmark = pytest.mark.integration
with_database = pytest.mark.django_db

DEVICE = {"username": "alice", "at": NOON, "address": "203.0.113.7", "device": "Firefox on Linux"}
OVER = NOON + mails.LEASE


@pytest.fixture
def messages(monkeypatch):
    """What the workers are told: (task, arguments, queue)."""
    sent = []
    monkeypatch.setattr(current_app, "send_task", lambda name, kwargs, queue: sent.append((name, kwargs, queue)))
    return sent


@pytest.fixture
def server(settings):
    """A mail server, and this process told to use it."""
    with mail_server() as mailbox:
        use(settings, mailbox.port)
        yield mailbox


def use(settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Acme <post@acme.example>"


@pytest.fixture
def away(settings):
    """Nobody listens where the mail server should be."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    use(settings, port)


def stored(mail: Mail) -> dict[str, Any]:
    return dict(Mail.objects.values().get(pk=mail.pk))


def counted(template: str, result: str) -> float:
    return REGISTRY.get_sample_value("mails_total", {"template": template, "result": result}) or 0


# --- queueing ---------------------------------------------------------------------------------------------------------


@with_database
def test_queued_mail_is_stored_and_told_about_on_commit(messages, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        mail = mails.queue("new_device", to="alice@example.com", context=DEVICE, at=NOON)
        assert messages == []

    assert stored(mail) == {
        "id": mail.pk,
        "recipient": "alice@example.com",
        "template": "new_device",
        "context": DEVICE | {"at": "2026-03-12 12:00 UTC"},
        "created_at": NOON,
        "next_attempt_at": NOON,
        "attempts": 0,
        "sent_at": None,
        "given_up_at": None,
        "last_error": "",
    }
    assert messages == [("accounts.deliver_mail", {"mail_id": str(mail.pk)}, "default")]


@with_database
def test_mail_about_what_was_rolled_back_is_never_sent(messages, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        mails.queue("new_device", to="alice@example.com", context=DEVICE, at=NOON)
        transaction.set_rollback(True)

    assert (Mail.objects.count(), messages) == (0, [])


@with_database
@pytest.mark.parametrize("error", [OperationalError("connection refused"), RuntimeError("anything else")])
def test_broker_that_is_away_fails_nobody(monkeypatch, django_capture_on_commit_callbacks, error):
    def refuse(*args, **kwargs):
        raise error

    monkeypatch.setattr(current_app, "send_task", refuse)

    with django_capture_on_commit_callbacks(execute=True):
        mail = mails.queue("new_device", to="alice@example.com", context=DEVICE, at=NOON)

    assert list(Mail.objects.due(NOON)) == [mail]


@with_database
def test_message_arrives_in_the_default_queue(redis_server):
    mail = MailFactory.create()

    mails.publish(mail.pk)

    message = json.loads(redis_server.lindex("default", 0))
    assert message["headers"]["task"] == "accounts.deliver_mail"
    assert json.loads(base64.b64decode(message["body"]))[1] == {"mail_id": str(mail.pk)}


@with_database
@pytest.mark.parametrize("change", [{"extra": 1}, {"device": None}])
def test_context_that_is_not_the_templates_is_the_callers_mistake(change):
    context = {name: value for name, value in (DEVICE | change).items() if value is not None}

    with pytest.raises(ValueError, match="new_device needs"):
        mails.queue("new_device", to="alice@example.com", context=context, at=NOON)

    assert not Mail.objects.exists()


@with_database
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\r\nBcc: eve@example.com", "a  Bcc: eve@example.com"),
        ("nul\0 lone\ud800 turned\u202e line\u2028end", "nul  lone  turned  line end"),
        ("x" * 2_001, "x" * 2_000 + "..."),
        ("ü🙂", "ü🙂"),
    ],
)
def test_whatever_a_browser_calls_itself_is_stored_harmless(typed, kept):
    mail = mails.queue("new_device", to="alice@example.com", context=DEVICE | {"device": typed}, at=NOON)

    mail.refresh_from_db()
    assert mail.context == DEVICE | {"at": "2026-03-12 12:00 UTC", "device": kept}


@with_database
def test_times_are_told_in_utc_and_lists_item_by_item():
    context = {
        "user_id": 7,
        "username": "eve",
        "email": "eve@example.com",
        "address": "203.0.113.7",
        "at": NOON.astimezone(timezone(timedelta(hours=-5))),
        "risk_flags": ["one\ntwo"],
    }

    mail = mails.queue("signup_pending", to="admin@example.com", context=context, at=NOON)

    assert mail.context == context | {"at": "2026-03-12 12:00 UTC", "risk_flags": ["one two"]}


@with_database
def test_administrators_are_told_where_they_want_to_hear(settings):
    settings.ADMIN_NOTIFICATION_EMAIL = "admin@example.com"
    context = {"kind": "provider_down", "summary": "Away.", "since": NOON, "path": "/admin/"}

    mail = mails.tell_administrators("incident_opened", context=context, at=NOON)

    assert list(Mail.objects.all()) == [mail]
    assert Mail.objects.get().recipient == "admin@example.com"


@with_database
def test_where_nobody_wants_to_hear_the_log_says_so(settings):
    settings.ADMIN_NOTIFICATION_EMAIL = None

    with capture_logs() as logs:
        mail = mails.tell_administrators("incident_opened", context={}, at=NOON)

    assert (mail, Mail.objects.count()) == (None, 0)
    assert [(line["event"], line["template"]) for line in logs] == [("mail.nobody_to_tell", "incident_opened")]


# --- delivering -------------------------------------------------------------------------------------------------------


@with_database
def test_delivered_mail_says_the_same_in_text_and_in_html(server):
    mail = mails.queue("new_device", to="alice@example.com", context=DEVICE, at=NOON)
    before = counted("new_device", "sent")

    assert mails.deliver(mail.pk, at=NOON) == Outcome.SENT

    (message,) = server.messages
    headers = ["From", "To", "Subject", "Message-ID", "Auto-Submitted"]
    assert [str(message[name]) for name in headers] == [
        "Acme <post@acme.example>",
        "alice@example.com",
        "New sign-in to your account",
        f"<{mail.pk}@acme.example>",
        "auto-generated",
    ]
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    for part in (text, html):
        for said in ("Hello alice", "2026-03-12 12:00 UTC", "203.0.113.7", "Firefox on Linux"):
            assert said in part.get_content()
    row = stored(mail)
    assert (row["sent_at"], row["attempts"], row["last_error"], row["given_up_at"]) == (NOON, 1, "", None)
    assert counted("new_device", "sent") == before + 1


@with_database
@pytest.mark.parametrize(
    "state", [{"sent": True}, {"given_up": True}, {"next_attempt_at": NOON + timedelta(seconds=1)}]
)
def test_mail_that_is_not_due_is_left_alone(server, state):
    mail = MailFactory.create(**state)
    before = stored(mail)

    assert mails.deliver(mail.pk, at=NOON) == Outcome.NOT_DUE

    assert (stored(mail), server.messages) == (before, [])


@with_database
def test_absent_mail_is_not_due(server):
    assert mails.deliver(uuid.uuid4(), at=NOON) == Outcome.NOT_DUE


@with_database
def test_line_break_that_reached_the_outbox_adds_no_header(server):
    mail = MailFactory.create(context={"username": "eve\r\nBcc: victim@example.com"})

    mails.deliver(mail.pk, at=NOON)

    (message,) = server.messages
    assert message["Subject"] == "Welcome, eve Bcc: victim@example.com: your account is ready"
    assert (message["Bcc"], message["To"]) == (None, "alice@example.com")


def failed(mail: Mail, error: str) -> dict[str, Any]:
    """Deliver, which must fail; the row, of which all but the time of the next attempt is checked."""
    before = stored(mail)
    assert mails.deliver(mail.pk, at=NOON) == Outcome.FAILED
    row = stored(mail)
    assert error in str(row["last_error"])
    assert row | {"next_attempt_at": NOON, "last_error": ""} == before | {"attempts": before["attempts"] + 1}
    return row


@with_database
@pytest.mark.parametrize("answer", ["451 try again later", "550 no such mailbox"])
def test_refused_mail_is_kept_and_succeeds_later(server, answer):
    server.answers = [answer]
    mail = MailFactory.create()

    row = failed(mail, f"SMTPRecipientsRefused: {{'a***@example.com': ({answer[:3]}")

    assert NOON <= row["next_attempt_at"] <= NOON + timedelta(minutes=1)
    assert mails.deliver(mail.pk, at=NOON + timedelta(minutes=1)) == Outcome.SENT
    assert len(server.messages) == 1


@with_database
def test_server_that_is_down_costs_an_attempt(away):
    failed(MailFactory.create(), "ConnectionRefusedError")


@with_database
def test_server_that_hangs_is_left_after_the_time_limit(settings):
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        use(settings, black_hole.getsockname()[1])
        settings.EMAIL_TIMEOUT = 0.2

        failed(MailFactory.create(), "timed out")


def test_time_limit_of_the_product_is_ten_seconds(settings):
    assert settings.EMAIL_TIMEOUT == 10


@with_database
def test_server_that_dies_after_the_data_gets_the_same_message_again(server):
    server.dies_after_data = True
    mail = MailFactory.create()
    failed(mail, "SMTPServerDisconnected")
    server.dies_after_data = False

    assert mails.deliver(mail.pk, at=NOON + timedelta(minutes=1)) == Outcome.SENT

    first, second = server.messages
    assert first["Message-ID"] == second["Message-ID"] == f"<{mail.pk}@acme.example>"


@with_database
def test_mail_that_cannot_be_written_is_kept_too(server):
    failed(MailFactory.create(template="no_such_mail"), "TemplateDoesNotExist")


@with_database
def test_without_a_mail_server_mails_wait(settings):
    settings.EMAIL_BACKEND, settings.ENVIRONMENT = "config.kernel.mail_log.LogBackend", "production"

    failed(MailFactory.create(), "No mail server is configured.")


@with_database
def test_last_attempt_that_fails_gives_the_mail_up_aloud(away):
    mail = MailFactory.create(attempts=7)
    before = counted("account_approved", "given_up")

    with capture_logs() as logs:
        assert mails.deliver(mail.pk, at=NOON) == Outcome.GIVEN_UP

    row = stored(mail)
    assert (row["attempts"], row["given_up_at"], row["sent_at"]) == (8, NOON, None)
    (line,) = logs
    assert (line["event"], line["log_level"], line["mail_id"]) == ("mail.given_up", "error", str(mail.pk))
    assert counted("account_approved", "given_up") == before + 1
    assert mails.deliver(mail.pk, at=NOON + timedelta(days=1)) == Outcome.NOT_DUE


@with_database
def test_mail_whose_last_attempt_died_is_given_up_and_not_tried_for_ever(server):
    mail = MailFactory.create(attempts=8)

    assert mails.deliver(mail.pk, at=NOON) == Outcome.GIVEN_UP

    row = stored(mail)
    assert (row["attempts"], row["given_up_at"], server.messages) == (8, NOON, [])


@with_database
def test_server_that_stays_down_is_asked_eight_times(away):
    mail, at = MailFactory.create(), NOON
    tried = []

    while (outcome := mails.deliver(mail.pk, at=at)) == Outcome.FAILED:
        tried.append(at)
        mail.refresh_from_db()
        at = mail.next_attempt_at

    assert (outcome, len(tried)) == (Outcome.GIVEN_UP, 7)
    longest = [timedelta(minutes=minutes) for minutes in (1, 4, 16, 64, 256, 360, 360)]
    waited = [later - earlier for earlier, later in zip(tried, [*tried[1:], at], strict=True)]
    assert all(wait <= limit for wait, limit in zip(waited, longest, strict=True))


@given(st.integers(1, 8), st.floats(0, 1))
def test_delay_is_any_part_of_a_time_that_grows_up_to_six_hours(attempts, chance):
    whole = mails.delay(attempts, chance=1)

    assert timedelta(0) <= mails.delay(attempts, chance=chance) <= whole <= timedelta(hours=6)
    assert whole == timedelta(hours=6) or mails.delay(attempts + 1, chance=1) > whole


@with_database
def test_attempt_that_was_given_up_for_dead_does_not_put_its_successor_off(away):
    mail = MailFactory.create()
    slow = mails._claim(mail.pk, NOON)
    assert slow is not None
    mails._claim(mail.pk, OVER)
    before = stored(mail)

    mails._put_off(slow, "too late", OVER)

    assert stored(mail) == before


@with_database
def test_log_and_row_name_no_address_and_no_token(server):
    server.answers = ["550 no alice@intranet here, nor bob@example.com"]
    mail = MailFactory.create(
        recipient="alice@intranet", reset=True, context={"username": "al", "token": "s3cr3t-t0ken", "valid_minutes": 30}
    )

    with capture_logs() as logs:
        mails.deliver(mail.pk, at=NOON)
        mails.deliver(mail.pk, at=NOON + timedelta(hours=1))

    assert [line["event"] for line in logs] == ["mail.failed", "mail.sent"]
    for hidden in ("alice@", "bob@", "s3cr3t"):
        assert hidden not in str(logs) + str(stored(mail) | {"recipient": ""})


# --- many workers -----------------------------------------------------------------------------------------------------


def test_of_many_workers_that_deliver_at_once_one_sends(committed_db, server):
    mail, barrier = MailFactory.create(), Barrier(8)

    def work(_: int) -> Outcome:
        try:
            barrier.wait(timeout=30)
            return mails.deliver(mail.pk, at=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        outcomes = list(workers.map(work, range(8)))

    assert sorted(outcomes) == [Outcome.NOT_DUE] * 7 + [Outcome.SENT]
    assert len(server.messages) == 1
    assert stored(mail)["attempts"] == 1


def test_row_that_somebody_holds_is_skipped_and_not_waited_for(committed_db, server):
    mail = MailFactory.create()

    with committed_db.connect() as other, other.transaction():
        other.execute("SELECT 1 FROM accounts_mail FOR UPDATE")

        assert mails.deliver(mail.pk, at=NOON) == Outcome.NOT_DUE

    assert (stored(mail)["attempts"], server.messages) == (0, [])


def test_nothing_is_locked_while_the_server_is_waited_for(committed_db, server):
    mail = MailFactory.create()
    seen = []

    async def look(self, session, envelope, address, options):
        with committed_db.connect() as other:
            seen.append(other.execute("SELECT attempts FROM accounts_mail FOR UPDATE NOWAIT").fetchone())
        envelope.rcpt_tos.append(address)
        return "250 OK"

    server.handle_RCPT = look

    assert mails.deliver(mail.pk, at=NOON) == Outcome.SENT
    assert seen == [(1,)]


def test_worker_killed_between_sending_and_noting_sends_the_same_message_again(committed_db, server):
    mail = MailFactory.create()
    connections.close_all()  # or both processes would speak on one
    start = multiprocessing.get_context("fork").Event()

    def work() -> None:
        start.wait(30)
        mails.deliver(mail.pk, at=NOON)

    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    server.kills = worker.pid
    start.set()
    worker.join(60)

    assert worker.exitcode == -9
    row = stored(mail)
    assert (row["attempts"], row["sent_at"], len(server.messages)) == (1, None, 1)
    server.kills = None
    assert mails.deliver(mail.pk, at=OVER - timedelta(seconds=1)) == Outcome.NOT_DUE
    assert mails.deliver(mail.pk, at=OVER) == Outcome.SENT
    assert len({str(message["Message-ID"]) for message in server.messages}) == 1
    assert (stored(mail)["sent_at"], len(server.messages)) == (OVER, 2)


# --- the schedules ----------------------------------------------------------------------------------------------------


@with_database
def test_what_is_due_is_sent_longest_waiting_first(server):
    for name, minutes in (("second", 1), ("first", 2), ("later", -1)):
        MailFactory.create(recipient=f"{name}@example.com", next_attempt_at=NOON - timedelta(minutes=minutes))

    assert mails.deliver_due(now=lambda: NOON) == 2

    assert [message["To"] for message in server.messages] == ["first@example.com", "second@example.com"]


@with_database
def test_round_ends_at_the_first_mail_that_cannot_be_sent(server):
    server.answers = ["451 too many"]
    first, second = MailFactory.create(next_attempt_at=NOON - timedelta(hours=1)), MailFactory.create()

    assert mails.deliver_due(now=lambda: NOON) == 0
    assert (stored(first)["attempts"], stored(second)["attempts"]) == (1, 0)

    assert mails.deliver_due(now=lambda: NOON + timedelta(minutes=1)) == 2


@with_database
def test_round_goes_on_where_another_worker_was_faster(server):
    taken, free = MailFactory.create(next_attempt_at=NOON - timedelta(hours=1)), MailFactory.create()
    times_asked = 0

    def now() -> datetime:
        nonlocal times_asked
        times_asked += 1
        if times_asked == 2:  # after the round has looked for what is due
            mails._claim(taken.pk, NOON)
        return NOON

    assert mails.deliver_due(now=now) == 1
    assert (stored(taken)["sent_at"], stored(free)["sent_at"]) == (None, NOON)


@with_database
def test_tasks_deliver_and_forget_by_the_clock(server):
    hinted, due = MailFactory.create(), MailFactory.create()
    old = MailFactory.create(sent=True, sent_at=clock.now() - timedelta(days=8))

    deliver_mail(mail_id=str(hinted.pk))
    assert deliver_mails() == {"sent": 1}
    assert forget_mails() == {"forgotten": 1}

    assert len(server.messages) == 2
    assert stored(hinted)["sent_at"] <= stored(due)["sent_at"]
    assert stored(old)["context"] is None


# --- forgetting -------------------------------------------------------------------------------------------------------


@with_database
def test_what_was_said_is_forgotten_after_a_week_and_that_it_was_sent_is_not():
    week = timedelta(days=7)
    old, abandoned = (
        MailFactory.create(sent=True, sent_at=NOON - week - timedelta(seconds=1)),
        MailFactory.create(given_up=True, given_up_at=NOON - week - timedelta(seconds=1)),
    )
    young, waiting = MailFactory.create(sent=True, sent_at=NOON - week), MailFactory.create(created_at=NOON - 9 * week)

    assert mails.forget(at=NOON) == 2
    assert mails.forget(at=NOON) == 0

    assert [stored(mail)["context"] for mail in (old, abandoned)] == [None, None]
    assert [stored(mail)["context"] for mail in (young, waiting)] == [{"username": "alice"}] * 2
    assert stored(old)["sent_at"] == NOON - week - timedelta(seconds=1)


@with_database
def test_token_is_forgotten_as_soon_as_it_was_sent(server):
    mail = MailFactory.create(reset=True)

    mails.deliver(mail.pk, at=NOON)

    assert "the-token" in server.messages[0].get_body(["plain"]).get_content()
    assert (stored(mail)["sent_at"], stored(mail)["context"]) == (NOON, None)


@with_database
def test_token_is_kept_until_it_was_sent(away):
    mail = MailFactory.create(reset=True)

    mails.deliver(mail.pk, at=NOON)

    assert stored(mail)["context"]["token"] == "the-token"


# --- sending again ----------------------------------------------------------------------------------------------------


@with_database
@pytest.mark.parametrize(("trait", "state"), [("sent", "sent"), ("given_up", "given up")])
def test_settled_mail_is_sent_again_for_a_reason(server, messages, django_capture_on_commit_callbacks, trait, state):
    mail, operator = MailFactory.create(**{trait: True}), UserFactory.create()

    with django_capture_on_commit_callbacks(execute=True):
        mails.send_again(mail, by=operator, reason=" Never arrived. ", at=OVER)

    row = stored(mail)
    assert [row[name] for name in ("attempts", "sent_at", "given_up_at", "last_error", "next_attempt_at")] == [
        *(0, None, None, "", OVER)
    ]
    entry = AuditEntry.objects.about(mail).get()
    assert (entry.verb, entry.actor, entry.reason, entry.before, entry.after) == (
        "accounts.mail.sent_again",
        operator,
        "Never arrived.",
        {"state": state},
        {"state": "pending"},
    )
    assert messages == [("accounts.deliver_mail", {"mail_id": str(mail.pk)}, "default")]
    assert mails.deliver(mail.pk, at=OVER) == Outcome.SENT


@with_database
@pytest.mark.parametrize(
    ("state", "reason", "error"),
    [
        ({}, "Hurry.", mails.MailOnItsWay),
        ({"sent": True, "context": None}, "Never arrived.", mails.MailForgotten),
        ({"sent": True}, " ", ValidationFailed),
    ],
)
def test_mail_that_cannot_be_sent_again_stays_as_it_is(messages, state, reason, error):
    mail = MailFactory.create(**state)
    before = stored(mail)

    with pytest.raises(error):
        mails.send_again(mail, by=UserFactory.create(), reason=reason, at=OVER)

    assert (stored(mail), AuditEntry.objects.count(), messages) == (before, 0, [])


# --- the way to the server --------------------------------------------------------------------------------------------


@pytest.fixture
def tls(settings, tmp_path):
    file, context = certificate(tmp_path)
    with mail_server(tls_context=context) as mailbox:
        use(settings, mailbox.port)
        settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "localhost", True
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "apikey", "the-key"
        mailbox.certificate = file
        yield mailbox


@with_database
def test_password_goes_to_a_server_that_proves_who_it_is(tls, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.certificate))

    assert mails.deliver(MailFactory.create().pk, at=NOON) == Outcome.SENT
    assert (tls.logins, len(tls.messages)) == ([(b"apikey", b"the-key")], 1)


@with_database
def test_password_goes_to_nobody_else(tls):
    failed(MailFactory.create(), "SSLCertVerificationError")

    assert (tls.logins, tls.messages) == ([], [])


@with_database
def test_password_is_not_sent_in_clear(server, settings):
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "apikey", "the-key"

    failed(MailFactory.create(), "SMTPNotSupportedError")

    assert (server.logins, server.messages) == ([], [])
