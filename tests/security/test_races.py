"""Administrators against each other, and everybody against the clock."""

import threading
from copy import copy

import pytest
from django.db import connection, transaction

from accounts.actions import passwords, people
from accounts.actions.people import LastAdmin, RightsWithdrawn
from accounts.clients import Client
from accounts.models import AuditEntry, Mail, User
from accounts.roles import Role
from config.kernel import clock
from config.kernel.errors import ValidationFailed
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.integration

CLIENT = Client(address="203.0.113.9", user_agent="curl/8.5.0")
DEEDS = {
    "disable": lambda user, by: people.disable(user, by=by, at=clock.now()),
    "demote": lambda user, by: people.set_role(user, Role.VIEWER, by=by, at=clock.now()),
}


def active_admins():
    return User.objects.active().filter(role=Role.ADMIN).count()


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("second", DEEDS)
@pytest.mark.parametrize("first", DEEDS)
def test_of_two_administrators_who_act_on_each_other_at_once_exactly_one_wins(at_once, first, second, others):
    ann, ben = UserFactory.create_batch(2, role=Role.ADMIN)
    UserFactory.create_batch(others, role=Role.ADMIN)

    # Each request has an object of its own of who makes it.
    outcomes = at_once([lambda: DEEDS[first](ben, copy(ann)), lambda: DEEDS[second](ann, copy(ben))])

    problems = [outcome for outcome in outcomes if outcome is not None]
    assert [type(problem) for problem in problems] == [RightsWithdrawn]
    assert active_admins() == 1 + others
    assert AuditEntry.objects.filter(verb__in=["accounts.user.disabled", "accounts.user.role_changed"]).count() == 1


def test_who_was_disabled_while_waiting_does_nothing_more(committed_db):
    ann, ben, carol = UserFactory.create_batch(3, role=Role.ADMIN)
    outcome, still_an_admin = [], copy(ben)
    started = threading.Event()

    def act() -> None:
        try:
            started.set()
            people.disable(carol, by=still_an_admin, at=clock.now())
        except RightsWithdrawn as problem:
            outcome.append(problem.code)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    with transaction.atomic():
        people.disable(ben, by=ann, at=clock.now())
        thread.start()
        started.wait(timeout=60)
    thread.join(timeout=60)

    assert outcome == ["rights_withdrawn"]
    carol.refresh_from_db()
    assert carol.is_active


def test_all_administrators_who_step_down_at_once_leave_one(at_once):
    admins = UserFactory.create_batch(6, role=Role.ADMIN)

    outcomes = at_once([lambda admin=admin: DEEDS["demote"](admin, admin) for admin in admins])

    assert [type(outcome) for outcome in outcomes if outcome is not None] == [LastAdmin]
    assert active_admins() == 1


def test_service_does_not_count_as_the_administrator_who_remains(committed_db):
    boss = UserFactory.create(role=Role.ADMIN)
    UserFactory.create(role=Role.ADMIN, kind=User.Kind.SERVICE)

    with pytest.raises(LastAdmin):
        people.set_role(boss, Role.VIEWER, by=boss, at=clock.now())


def test_reset_token_used_at_once_sets_one_password(at_once):
    alice = UserFactory.create(username="alice")
    token = _reset_token(alice)
    words = ["seven green bottles", "eight green bottles", "nine green bottles"]

    outcomes = at_once(
        [lambda word=word: passwords.reset(token, word, client=CLIENT, at=clock.now()) for word in words]
    )

    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [ValidationFailed] * 2
    alice.refresh_from_db()
    winner = next(index for index, outcome in enumerate(outcomes) if isinstance(outcome, User))
    assert [alice.check_password(word) for word in words] == [index == winner for index in range(3)]
    assert alice.token_version == 1


@pytest.mark.parametrize(
    "withdraw",
    [
        lambda user, boss: people.revoke_sessions(user, by=boss, at=clock.now()),
        lambda user, boss: people.disable(user, by=boss, at=clock.now()),
        lambda user, boss: people.set_role(user, Role.ANALYST, by=boss, at=clock.now()),
    ],
)
def test_mailed_token_ends_with_everything_that_is_withdrawn(committed_db, withdraw):
    alice, boss = UserFactory.create(username="alice"), UserFactory.create(role=Role.ADMIN)
    token = _reset_token(alice)

    withdraw(alice, boss)
    if not alice.is_active:
        people.enable(alice, by=boss, at=clock.now())

    with pytest.raises(ValidationFailed):
        passwords.reset(token, "seven green bottles", client=CLIENT, at=clock.now())


def _reset_token(person):
    passwords.ask_for_reset(person.email, at=clock.now())
    return Mail.objects.values_list("context__token", flat=True).get(template="password_reset")
