import pytest
from django.contrib.auth.models import Group

from accounts.actions import people, role_groups
from accounts.actions.people import LastAdmin, OwnAccount, UserDisabled, UserNotDisabled, UserNotPending
from accounts.models import AuditEntry, Mail, Revocation, Session, User
from accounts.roles import Role
from config.kernel.errors import ValidationFailed
from tests.accounts.factories import NOON, SessionFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def groups_of(person: User) -> list[str]:
    return list(person.groups.values_list("name", flat=True))


def test_new_role_is_traced_and_withdraws_the_tokens():
    role_groups.sync()
    alice, root = UserFactory.create(token_version=4), UserFactory.create(role=Role.ADMIN)

    people.set_role(alice, Role.OPERATOR, by=root, at=NOON, reason="Runs the syncs now.")

    assert (alice.role, alice.token_version, groups_of(alice)) == ("operator", 5, ["operator"])
    trace = AuditEntry.objects.about(alice).get()
    assert (trace.verb, trace.actor, trace.happened_at, trace.reason, trace.before, trace.after) == (
        "accounts.user.role_changed",
        root,
        NOON,
        "Runs the syncs now.",
        {"role": "viewer"},
        {"role": "operator"},
    )


def test_role_that_somebody_has_already_changes_nothing():
    alice = UserFactory.create(role=Role.OPERATOR)
    before = User.objects.values().get(pk=alice.pk)

    people.set_role(alice, Role.OPERATOR, by=None, at=NOON, reason="Again.")

    assert User.objects.values().get(pk=alice.pk) == before
    assert not AuditEntry.objects.about(alice).exists()


def test_saved_person_is_in_the_group_of_their_role_and_no_other():
    role_groups.sync()
    alice = UserFactory.create(role=Role.MODERATOR)
    alice.groups.add(Group.objects.create(name="club"))

    alice.role = Role.ANALYST
    alice.save()

    assert groups_of(alice) == ["analyst"]


def test_saving_something_else_leaves_the_groups_alone(django_assert_num_queries):
    alice = UserFactory.create()

    with django_assert_num_queries(1):
        alice.save(update_fields=["last_login"])


def test_demo_has_one_active_person_per_role_with_a_password_of_their_own():
    created = people.ensure_demo_people(at=NOON)

    assert list(created) == ["viewer", "analyst", "moderator", "operator", "admin"]
    for role, login in created.items():
        person = User.objects.get(username=login["username"])
        assert (person.username, person.role, person.status) == (f"demo_{role}", role, "active")
        assert person.check_password(login["password"])
        assert AuditEntry.objects.about(person).verbs() == ["accounts.user.created"]
    assert len({login["password"] for login in created.values()}) == 5


def test_demo_people_who_are_there_keep_their_passwords():
    first = people.ensure_demo_people(at=NOON)
    User.objects.get(username="demo_analyst").delete()

    second = people.ensure_demo_people(at=NOON)

    assert list(second) == ["analyst"]
    assert User.objects.count() == 5
    assert User.objects.get(username="demo_admin").check_password(first["admin"]["password"])


@pytest.fixture
def boss():
    return UserFactory.create(username="boss", role=Role.ADMIN)


def test_approval_lets_somebody_in_once(boss):
    newcomer = UserFactory.create(status="pending", email="new@example.com")

    people.approve(newcomer, by=boss, at=NOON, reason="Known to us.")
    with pytest.raises(UserNotPending):
        people.approve(newcomer, by=boss, at=NOON)

    assert (newcomer.status, newcomer.token_version) == ("active", 1)
    trace = AuditEntry.objects.about(newcomer).get()
    assert (trace.verb, trace.before, trace.after) == (
        "accounts.user.approved",
        {"status": "pending"},
        {"status": "active"},
    )
    assert [(mail.template, mail.recipient) for mail in Mail.objects.all()] == [("account_approved", "new@example.com")]


def test_disabling_withdraws_everything(boss):
    alice = UserFactory.create()
    SessionFactory.create_batch(2, user=alice)

    people.disable(alice, by=boss, at=NOON, reason="Left.")

    assert (alice.status, alice.token_version) == ("disabled", 1)
    assert set(Session.objects.values_list("ending", flat=True)) == {"account_changed"}
    assert ("user", str(alice.pk), 1) in Revocation.objects.values_list("kind", "subject", "token_version")
    with pytest.raises(UserDisabled):
        people.disable(alice, by=boss, at=NOON)


def test_disabled_person_can_be_let_in_again(boss):
    alice = UserFactory.create(status="disabled")

    people.enable(alice, by=boss, at=NOON)

    assert alice.status == "active"
    with pytest.raises(UserNotDisabled):
        people.enable(alice, by=boss, at=NOON)


def test_nobody_disables_themselves(boss):
    UserFactory.create(role=Role.ADMIN)

    with pytest.raises(OwnAccount):
        people.disable(boss, by=boss, at=NOON)

    boss.refresh_from_db()
    assert boss.status == "active"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("others", [[], [{"status": "disabled"}], [{"kind": "service"}], [{"role": Role.OPERATOR}]])
def test_last_active_administrator_stays(boss, others):
    for fields in others:
        UserFactory.create(**{"role": Role.ADMIN, **fields})
    by = UserFactory.create(role=Role.OPERATOR)

    with pytest.raises(LastAdmin):
        people.disable(boss, by=by, at=NOON)
    with pytest.raises(LastAdmin):
        people.set_role(boss, Role.VIEWER, by=boss, at=NOON)

    boss.refresh_from_db()
    assert (boss.status, boss.role, boss.token_version) == ("active", "admin", 0)
    assert not AuditEntry.objects.exists()


def test_administrator_may_step_down_while_another_one_stays(boss):
    UserFactory.create(role=Role.ADMIN)

    people.set_role(boss, Role.VIEWER, by=boss, at=NOON)

    assert boss.role == "viewer"


def test_revoked_sessions_leave_the_account_as_it_is(boss):
    alice = UserFactory.create()
    SessionFactory.create(user=alice)

    people.revoke_sessions(alice, by=boss, at=NOON, reason="Stolen laptop.")

    assert (alice.status, alice.token_version) == ("active", 1)
    assert Session.objects.get().ending == "revoked"
    assert AuditEntry.objects.about(alice).verbs() == ["accounts.user.sessions_revoked"]


def test_service_has_no_password_and_no_mailbox(boss):
    service = people.create_service("reporter", Role.ANALYST, by=boss, at=NOON, reason="Nightly report.")

    assert (service.kind, service.role, service.status) == ("service", "analyst", "active")
    assert service.email == "reporter@service.invalid"
    assert not service.has_usable_password()
    with pytest.raises(ValidationFailed):
        people.create_service("Reporter", Role.ANALYST, by=boss, at=NOON)
    assert User.objects.services().count() == 1


def test_service_is_sent_no_mail(boss):
    service = people.create_service("reporter", Role.ANALYST, by=boss, at=NOON)

    people.disable(service, by=boss, at=NOON)
    people.enable(service, by=boss, at=NOON)

    assert not Mail.objects.exists()
