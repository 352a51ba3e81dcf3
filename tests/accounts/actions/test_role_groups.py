import pytest
from django.contrib.auth.models import Group, Permission

from accounts import roles
from accounts.actions import role_groups
from accounts.models import User
from accounts.roles import Role
from tests.accounts.factories import UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def permissions_of(role: Role) -> set[str]:
    return {
        f"{app}.{code}"
        for app, code in Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    }


@pytest.fixture
def table(monkeypatch):
    """A small table of roles in the place of the product's own."""
    table = {
        Role.MODERATOR: {"auth.*": {"view"}, "accounts.job": {"view", "change"}},
        Role.OPERATOR: {"auth.group": {"*"}},
    }
    monkeypatch.setattr(role_groups, "ADMIN_SITE_PERMISSIONS", table)
    return table


def test_each_role_gets_a_group_with_its_permissions_and_those_of_the_roles_below(table):
    role_groups.sync()

    moderator = {"auth.view_group", "auth.view_permission", "accounts.view_job", "accounts.change_job"}
    operator = moderator | {"auth.add_group", "auth.change_group", "auth.delete_group"}
    assert [permissions_of(role) for role in Role] == [set(), set(), moderator, operator, operator]


def test_changes_are_told_once(table):
    told = role_groups.sync()

    assert [line for line in told if line.startswith("moderator")] == [
        "moderator: group created",
        "moderator: + accounts.job.change",
        "moderator: + accounts.job.view",
        "moderator: + auth.group.view",
        "moderator: + auth.permission.view",
    ]
    assert role_groups.sync() == []


def test_permission_that_left_the_table_is_taken_away_and_other_groups_are_left_alone(table):
    role_groups.sync()
    club = Group.objects.create(name="club")
    club.permissions.add(Permission.objects.get(codename="view_job"))
    del table[Role.MODERATOR]["accounts.job"]

    told = role_groups.sync()

    assert told == [
        f"{role}: - accounts.job.{deed}" for role in ("moderator", "operator", "admin") for deed in ("change", "view")
    ]
    assert club.permissions.get().codename == "view_job"


def test_people_are_moved_to_the_group_of_their_role(table):
    role_groups.sync()
    promoted, settled = UserFactory.create(), UserFactory.create(role=Role.OPERATOR)
    User.objects.filter(pk=promoted.pk).update(role=Role.OPERATOR)

    told = role_groups.sync()

    assert told == ["viewer: 1 people left", "operator: 1 people joined"]
    assert set(Group.objects.get(name=Role.OPERATOR).user_set.all()) == {promoted, settled}


@pytest.mark.parametrize("wrong", [{"accounts.nobody": {"view"}}, {"nowhere.*": {"*"}}, {"accounts.job": {"eat"}}])
def test_table_that_speaks_of_what_does_not_exist_is_refused_whole(table, wrong):
    table[Role.OPERATOR] = wrong

    with pytest.raises(role_groups.UnknownPermission):
        role_groups.sync()

    assert not Group.objects.exists()


def test_table_of_the_product_lets_operators_do_all_that_moderators_may():
    assert role_groups.sync()

    assert roles.ADMIN_SITE_PERMISSIONS.keys() <= set(Role)
    assert {"markets.view_asset", "markets.change_quarantinedrecord", "accounts.view_auditentry"} <= permissions_of(
        Role.MODERATOR
    )
    assert not {"markets.change_asset", "accounts.view_user"} & permissions_of(Role.MODERATOR)
    assert permissions_of(Role.MODERATOR) < permissions_of(Role.OPERATOR)
    assert not permissions_of(Role.ANALYST)
