import pytest
from django.contrib.auth.models import Group

from accounts.actions import people, role_groups
from accounts.models import AuditEntry, User
from accounts.roles import Role
from tests.accounts.factories import NOON, UserFactory

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
