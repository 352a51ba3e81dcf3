"""The other door: the admin site."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.actions import passwords, people, role_groups, sessions, two_factor
from accounts.clients import Client as Program
from accounts.models import ApiKey, AuditEntry, Mail, Session, User
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import PASSWORD, ApiKeyFactory, SessionFactory, UserFactory
from tests.security.answers import outcome

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PROGRAM = Program(address="203.0.113.9", user_agent="curl/8.5.0")
NEW_PASSWORD = "seven green bottles"


@pytest.fixture(autouse=True)
def groups():
    role_groups.sync()


@pytest.fixture
def boss():
    return UserFactory.create(username="boss", role=Role.ADMIN)


def log_in(browser, username="boss", password=PASSWORD, otp="", **meta):
    return browser.post("/admin/login/?next=/admin/", {"username": username, "password": password, "otp": otp}, **meta)


def is_inside(browser):
    return browser.get("/admin/").status_code == 200


def test_logins_of_both_doors_draw_from_one_allowance(boss, send):
    body = {"username": "boss", "password": "wrong"}
    for _ in range(3):
        send("POST", "/api/v1/login", body)
    browser = Client()
    for _ in range(2):
        log_in(browser, password="wrong")

    right = log_in(browser)

    assert (right.status_code, is_inside(browser)) == (200, False)
    assert b"Too many requests" in right.content
    assert outcome(send("POST", "/api/v1/login", body)) == (429, "rate_limited")


def test_account_under_attack_waits_at_this_door_as_well(boss):
    for n in range(10):
        log_in(Client(), password="wrong", REMOTE_ADDR=f"198.51.100.{n}")

    browser = Client()

    assert log_in(browser, REMOTE_ADDR="198.51.100.77").status_code == 200
    assert not is_inside(browser)


def test_refused_login_is_told_in_the_log_without_what_was_typed(boss, capfd):
    log_in(Client(), password="canary-of-a-password")
    log_in(Client(), username="canary-of-a-name")

    lines = [line for line in capfd.readouterr().out.splitlines() if "admin_login.refused" in line]
    assert len(lines) == 2
    assert not [line for line in lines if "canary" in line]


WITHDRAWALS = {
    "disable": lambda boss, other: people.disable(boss, by=other, at=clock.now()),
    "role": lambda boss, other: people.set_role(boss, Role.MODERATOR, by=other, at=clock.now()),
    "sessions": lambda boss, other: people.revoke_sessions(boss, by=other, at=clock.now()),
    "password": lambda boss, other: passwords.change(boss, PASSWORD, NEW_PASSWORD, client=PROGRAM, at=clock.now()),
    "logout everywhere": lambda boss, other: sessions.log_out_everywhere(boss, at=clock.now()),
}


@pytest.mark.parametrize("withdraw", WITHDRAWALS.values(), ids=WITHDRAWALS)
def test_session_of_the_site_ends_with_what_withdraws_tokens(boss, withdraw):
    browser = Client()
    log_in(browser)
    assert is_inside(browser)

    withdraw(boss, UserFactory.create(role=Role.ADMIN))

    assert not is_inside(browser)


def test_session_of_the_site_ends_after_its_whole_time_however_much_it_is_used(boss, settings):
    settings.SESSION_TIMEOUT_MINUTES, settings.MAX_SESSION_TTL_HOURS = 0, 1
    settings.SESSION_COOKIE_AGE = 14 * 86_400
    browser = Client()
    with time_machine.travel(clock.now(), tick=False) as machine:
        log_in(browser)
        for _ in range(2):
            machine.shift(timedelta(minutes=29))
            assert is_inside(browser)
        machine.shift(timedelta(minutes=2))

        assert not is_inside(browser)
        assert browser.get("/admin/login/").status_code == 200


@pytest.mark.parametrize("requires", [True, False])
def test_site_without_a_second_factor_shows_nothing_but_the_way_to_one(boss, settings, requires):
    settings.ADMIN_REQUIRE_2FA = requires
    browser = Client()
    log_in(browser)

    assert is_inside(browser) is not requires
    page = browser.get("/admin/two-factor/")
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]


def test_session_that_is_over_and_lacks_a_second_factor_is_shown_the_login(boss, settings):
    settings.ADMIN_REQUIRE_2FA, settings.MAX_SESSION_TTL_HOURS, settings.SESSION_COOKIE_AGE = True, 1, 14 * 86_400
    browser = Client()
    with time_machine.travel(clock.now(), tick=False) as machine:
        log_in(browser)
        machine.shift(timedelta(hours=2))

        assert browser.get("/admin/", follow=True).redirect_chain == [("/admin/login/?next=/admin/", 302)]


def test_second_factor_turned_off_ends_what_it_had_opened(boss, settings, enrol):
    settings.ADMIN_REQUIRE_2FA = True
    app, _ = enrol(boss)
    browser = Client()
    log_in(browser, otp=app.now())
    assert is_inside(browser)

    two_factor.disable(boss, at=clock.now())

    assert not is_inside(browser)


def test_administration_of_the_api_asks_for_the_second_factor(boss, settings, send, bearer):
    settings.ADMIN_REQUIRE_2FA = True
    alice = UserFactory.create(status="pending")
    headers = bearer(boss)

    answers = [
        send("GET", "/api/v1/admin/pending-users", headers=headers),
        send("POST", f"/api/v1/admin/approve/{alice.pk}", {}, headers=headers),
        send("POST", f"/api/v1/admin/role/{alice.pk}", {"role": "admin"}, headers=headers),
        send("POST", "/api/v1/admin/service-accounts", {"username": "x", "role": "admin"}, headers=headers),
    ]

    assert {outcome(answer) for answer in answers} == {(403, "second_factor_required")}
    alice.refresh_from_db()
    assert (alice.status, alice.role, User.objects.count()) == ("pending", "viewer", 2)


def test_password_is_changed_by_the_deed_of_the_api(boss):
    browser = Client()
    log_in(browser)
    session = SessionFactory.create(user=boss, created_at=clock.now())
    form = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

    answer = browser.post("/admin/password_change/", form)

    assert (answer.status_code, is_inside(browser)) == (302, False)
    boss.refresh_from_db()
    session.refresh_from_db()
    assert boss.check_password(NEW_PASSWORD)
    assert (boss.token_version, session.ending) == (1, "password_changed")
    assert AuditEntry.objects.about(boss).verbs() == ["accounts.admin_site.entered", "accounts.password.changed"]
    assert [mail.template for mail in Mail.objects.all()] == ["password_changed"]


def test_guesses_of_the_present_password_are_counted(boss):
    browser = Client()
    log_in(browser)
    form = {"old_password": "wrong", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    for _ in range(5):
        assert b"The current password is not right." in browser.post("/admin/password_change/", form).content

    answer = browser.post("/admin/password_change/", {**form, "old_password": PASSWORD})

    assert b"Too many requests" in answer.content
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)


ACTIONS = ["approve", "disable", "enable", "make_admin", "make_viewer", "revoke_sessions", "reset_second_factor"]


def everything():
    fields = ("role", "status", "token_version")
    return (
        list(User.objects.order_by("pk").values("pk", *fields)),
        list(Session.objects.order_by("pk").values("pk", "ended_at")),
        list(ApiKey.objects.order_by("pk").values("pk", "disabled_at")),
        AuditEntry.objects.count(),
    )


def decide(browser, model, action, row, **more):
    path = reverse(f"admin:accounts_{model}_changelist")
    return browser.post(path, {"action": action, "_selected_action": [row.pk], "index": 0, **more})


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MODERATOR, Role.OPERATOR])
def test_nobody_below_an_administrator_decides_by_sending_the_form(role):
    person = UserFactory.create(role=role)
    browser = Client()
    browser.force_login(person)
    rows = UserFactory.create(status="pending"), SessionFactory.create(), ApiKeyFactory.create()
    before = everything()

    for action in ACTIONS:
        for target in (rows[0], person):
            decide(browser, "user", action, target, reason="because")
    decide(browser, "session", "revoke", rows[1], reason="because")
    decide(browser, "apikey", "disable", rows[2], reason="because")
    for row in rows:
        for page in ("change", "delete"):
            browser.post(
                reverse(f"admin:accounts_{row._meta.model_name}_{page}", args=[row.pk]),
                {"role": "admin", "status": "active", "post": "yes"},
            )

    assert everything() == before


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_no_deed_is_done_without_a_reason(boss, action, reason):
    browser = Client()
    log_in(browser)
    alice = UserFactory.create(status="pending")
    SessionFactory.create(user=alice)
    before = everything()

    answer = decide(browser, "user", action, alice, **({} if reason is None else {"reason": reason}))

    assert answer.status_code == 200
    assert everything() == before


@pytest.mark.parametrize("action", ["disable", "make_viewer"])
def test_administrator_does_not_shut_out_themselves_or_the_last_one(boss, action):
    browser = Client()
    log_in(browser)
    before = everything()

    decide(browser, "user", action, boss, reason="because")

    assert everything() == before


def test_form_from_another_site_decides_nothing(boss):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(boss)
    alice = UserFactory.create(status="pending")

    assert decide(browser, "user", "approve", alice, reason="because").status_code == 403

    alice.refresh_from_db()
    assert alice.status == "pending"


@pytest.mark.parametrize(
    ("model", "create"),
    [
        ("user", lambda n: UserFactory.create()),
        ("session", lambda n: SessionFactory.create()),
        ("apikey", lambda n: ApiKeyFactory.create(prefix=f"tp_live_{n:08x}")),
    ],
)
def test_list_asks_as_many_questions_for_twelve_rows_as_for_one(
    boss, enrol, django_assert_max_num_queries, model, create
):
    browser = Client()
    log_in(browser)
    path = reverse(f"admin:accounts_{model}_changelist")
    create(0)
    browser.get(path)
    with django_assert_max_num_queries(50) as one:
        browser.get(path)
    for n in range(1, 12):
        create(n)

    with django_assert_max_num_queries(len(one.captured_queries)):
        assert browser.get(path).status_code == 200
