import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.roles import Role
from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_new_person_is_a_pending_viewer_who_cannot_act():
    person = User.objects.create_user("alice", "Alice@Example.com", PASSWORD)

    person.refresh_from_db()
    assert (person.role, person.status, person.token_version) == ("viewer", "pending", 0)
    assert (person.is_active, person.is_staff, person.is_superuser) == (False, False, False)
    assert person.check_password(PASSWORD)


def test_user_name_and_email_are_trimmed_and_the_email_is_known_in_lower_case():
    person = User.objects.create_user("  alice ", " Alice@Example.COM ", PASSWORD)

    person.refresh_from_db()
    assert (person.username, person.email, person.email_canonical) == (
        "alice",
        "Alice@Example.COM",
        "alice@example.com",
    )


def test_superuser_is_an_active_administrator():
    person = User.objects.create_superuser("root", "root@example.com", PASSWORD)

    assert (person.role, person.status, person.is_active, person.is_staff, person.is_superuser) == (
        "admin",
        "active",
        True,
        True,
        True,
    )


def test_person_without_a_password_has_none_that_works():
    person = User.objects.create_user("alice", "alice@example.com")

    assert not person.has_usable_password()


@pytest.mark.parametrize("username", ["", "al ice", "alice!", "álice", "alice\n", "\u0430lice", "a" * 65])
def test_user_name_outside_the_plain_alphabet_is_refused(username):
    with pytest.raises(ValidationError) as refusal:
        User(username=username, email="alice@example.com", password="x").full_clean()

    assert set(refusal.value.message_dict) == {"username"}


@pytest.mark.parametrize("username", ["", "al ice", "alice\n", "\u0430lice"])
def test_database_refuses_a_user_name_outside_the_plain_alphabet(username):
    with pytest.raises(IntegrityError, match="user_username_is_plain"), transaction.atomic():
        UserFactory.create(username=username, email="alice@example.com")

    assert not User.objects.exists()


def test_user_name_is_taken_in_every_case():
    UserFactory.create(username="alice")

    with pytest.raises(IntegrityError, match="user_username_unique_in_any_case"), transaction.atomic():
        UserFactory.create(username="ALICE", email="another@example.com")

    assert User.objects.count() == 1


def test_email_is_taken_in_every_case():
    UserFactory.create(email="alice@example.com")

    with pytest.raises(ValidationError) as refusal:
        User.objects.create_user("bob", "ALICE@example.com", PASSWORD)

    assert set(refusal.value.message_dict) == {"email_canonical"}
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("role", "owner", "user_role_is_known"),
        ("status", "sleeping", "user_status_is_known"),
        ("email_canonical", "Alice@example.com", "user_email_canonical_is_lower_case"),
        ("email_canonical", "", "user_email_canonical_is_lower_case"),
    ],
)
def test_database_refuses_values_that_mean_nothing(column, value, constraint):
    person = UserFactory.create()
    before = User.objects.values().get(pk=person.pk)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.filter(pk=person.pk).update(**{column: value})

    assert User.objects.values().get(pk=person.pk) == before


@pytest.mark.parametrize("login", ["alice_1", "ALICE_1", " alice_1 ", "alice@example.com", "Alice@EXAMPLE.com"])
def test_person_is_found_by_user_name_or_email_in_any_case(login):
    alice = UserFactory.create(username="alice_1", email="alice@example.com")
    UserFactory.create(username="bob")

    assert list(User.objects.called(login)) == [alice]
    assert User.objects.get_by_natural_key(login) == alice


@pytest.mark.parametrize("login", ["", "alicex", "alice%", "bob@example.com"])
def test_nobody_is_found_by_another_name(login):
    UserFactory.create(username="alice_", email="alice@example.com")

    assert not User.objects.called(login).exists()


def test_each_role_ranks_above_the_one_before():
    assert [(role, role.rank) for role in Role] == [
        ("viewer", 0),
        ("analyst", 1),
        ("moderator", 2),
        ("operator", 3),
        ("admin", 4),
    ]


@pytest.mark.parametrize(
    ("role", "enters", "may_do_all"),
    [
        (Role.VIEWER, False, False),
        (Role.ANALYST, False, False),
        (Role.MODERATOR, True, False),
        (Role.OPERATOR, True, False),
        (Role.ADMIN, True, True),
    ],
)
def test_admin_site_opens_from_moderator_upwards_and_only_administrators_may_do_everything(role, enters, may_do_all):
    person = UserFactory.create(role=role)

    assert (person.role_rank, person.is_staff, person.is_superuser) == (role.rank, enters, may_do_all)


@pytest.mark.parametrize(("status", "active"), [("pending", False), ("active", True), ("disabled", False)])
def test_only_active_people_count_as_active(status, active):
    assert UserFactory.create(status=status).is_active is active
