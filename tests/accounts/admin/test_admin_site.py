import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.actions import role_groups
from accounts.models import User
from accounts.roles import Role
from config.admin_site import DEMO_BANNER, ProductAdminSite
from tests.accounts.factories import PASSWORD, AuditEntryFactory, JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def enter(client):
    """Open the admin site as a person of some role."""

    def enter(role: Role) -> User:
        role_groups.sync()
        person = UserFactory.create(role=role)
        client.force_login(person)
        return person

    return enter


def lists(client, *models):
    return [client.get(reverse(f"admin:accounts_{model}_changelist")).status_code for model in models]


def test_site_of_the_product_is_the_default_one():
    assert isinstance(admin.site, ProductAdminSite)


@pytest.mark.parametrize("login", ["boss", "Boss@Example.com"])
def test_administrator_logs_in_with_user_name_or_email(client, login):
    UserFactory.create(username="boss", email="boss@example.com", role=Role.ADMIN)

    response = client.post("/admin/login/?next=/admin/", {"username": login, "password": PASSWORD})

    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize(
    "fields",
    [{"role": Role.VIEWER}, {"role": Role.ANALYST}, {"role": Role.ADMIN, "status": "disabled"}, {"status": "pending"}],
)
def test_others_do_not_get_in(client, fields):
    UserFactory.create(username="alice", **fields)

    response = client.post("/admin/login/?next=/admin/", {"username": "alice", "password": PASSWORD})

    assert response.status_code == 200
    assert client.get("/admin/").status_code == 302


def test_disabled_person_is_out_at_the_next_page(client, enter):
    person = enter(Role.ADMIN)
    assert client.get("/admin/").status_code == 200

    User.objects.filter(pk=person.pk).update(status="disabled")

    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("role", "statuses"),
    [(Role.MODERATOR, [200, 403, 403]), (Role.OPERATOR, [200, 200, 200]), (Role.ADMIN, [200, 200, 200])],
)
def test_each_role_sees_the_lists_that_are_its_business(client, enter, role, statuses):
    enter(role)

    assert lists(client, "auditentry", "job", "user") == statuses


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_nobody_writes_people_jobs_or_the_trail_by_hand(client, enter, role):
    enter(role)
    for row in (AuditEntryFactory.create(), JobFactory.create(), UserFactory.create()):
        model = row._meta.model_name
        before = list(type(row).objects.order_by("pk").values())

        answers = [
            client.post(reverse(f"admin:accounts_{model}_add"), {}),
            client.post(reverse(f"admin:accounts_{model}_change", args=[row.pk]), {}),
            client.post(reverse(f"admin:accounts_{model}_delete", args=[row.pk]), {"post": "yes"}),
            client.post(
                reverse(f"admin:accounts_{model}_changelist"),
                {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
            ),
        ]

        assert [answer.status_code for answer in answers[:3]] == [403, 403, 403]
        assert list(type(row).objects.order_by("pk").values()) == before


@pytest.mark.parametrize("row", [AuditEntryFactory, JobFactory, UserFactory])
def test_single_row_can_be_looked_at(client, enter, row):
    enter(Role.OPERATOR)
    stored = row()

    response = client.get(reverse(f"admin:accounts_{stored._meta.model_name}_change", args=[stored.pk]))

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("model", "question", "found"),
    [
        ("auditentry", {"q": "needle"}, 1),
        ("auditentry", {"verb": "accounts.user.role_changed"}, 2),
        ("job", {"q": "needle"}, 1),
        ("job", {"state__exact": "queued"}, 2),
        ("user", {"q": "needle"}, 1),
    ],
)
def test_lists_can_be_searched_and_filtered(client, enter, model, question, found):
    enter(Role.ADMIN)
    needle = UserFactory.create(username="needle")
    AuditEntryFactory.create(actor=needle)
    AuditEntryFactory.create()
    JobFactory.create(owner=needle)
    JobFactory.create()

    response = client.get(reverse(f"admin:accounts_{model}_changelist"), question)

    assert len(response.context["cl"].result_list) == found


@pytest.mark.parametrize(
    ("model", "create"), [("auditentry", AuditEntryFactory.create_batch), ("job", JobFactory.create_batch)]
)
def test_list_asks_as_many_questions_for_twelve_rows_as_for_one(
    client, enter, model, create, django_assert_max_num_queries
):
    enter(Role.ADMIN)
    create(1)
    path = reverse(f"admin:accounts_{model}_changelist")
    client.get(path)
    with django_assert_max_num_queries(50) as one:
        client.get(path)
    create(11)

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(path)


@pytest.mark.parametrize(("demo", "shown"), [(True, True), (False, False)])
def test_every_page_says_where_one_is_and_whether_the_data_are_made_up(client, enter, settings, demo, shown):
    settings.DEMO, settings.ENVIRONMENT = demo, "staging"
    enter(Role.ADMIN)

    page = client.get("/admin/").content.decode()

    assert "Crypto platform" in page
    assert "staging" in page
    assert (DEMO_BANNER in page) is shown
