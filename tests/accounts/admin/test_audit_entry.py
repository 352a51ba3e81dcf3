import pytest
from django.contrib import admin
from django.db import connection
from django.urls import reverse

from accounts.actions import audit, role_groups
from accounts.models import AuditEntry, AuditLink, Job, User
from accounts.roles import Role
from tests.accounts.factories import NOON, AuditEntryFactory, JobFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = reverse("admin:accounts_auditentry_changelist")


@pytest.fixture
def administrator(client):
    role_groups.sync()
    person = UserFactory.create(username="boss", role=Role.ADMIN)
    client.force_login(person)
    return person


def page_of(entry):
    return reverse("admin:accounts_auditentry_change", args=[entry.pk])


def link():
    """Have the database write the links now, as at COMMIT."""
    connection.check_constraints()


def found(client, **question):
    answer = client.get(LIST, question)
    assert answer.status_code == 200
    return {entry.verb for entry in answer.context["cl"].result_list}


def test_not_even_a_superuser_writes_the_trail(client, administrator):
    entry = AuditEntryFactory.create()
    before = list(AuditEntry.objects.values())
    assert administrator.is_superuser

    answers = [
        client.get(reverse("admin:accounts_auditentry_add")),
        client.post(reverse("admin:accounts_auditentry_add"), {"verb": "tests.forged", "happened_at_0": "2026-03-12"}),
        client.post(page_of(entry), {"verb": "tests.forged"}),
        client.post(reverse("admin:accounts_auditentry_delete", args=[entry.pk]), {"post": "yes"}),
    ]
    client.post(LIST, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})

    assert [answer.status_code for answer in answers] == [403] * 4
    assert list(AuditEntry.objects.values()) == before
    page = client.get(page_of(entry)).content.decode()
    assert "delete_selected" not in client.get(LIST).content.decode()
    assert 'name="_save"' not in page
    assert "deletelink" not in page


def test_chain_has_no_pages_of_its_own(client, administrator):
    assert not admin.site.is_registered(AuditLink)


def test_entry_shows_its_place_in_the_chain(client, administrator):
    first, second = AuditEntryFactory.create_batch(2)
    link()

    page = client.get(page_of(second)).content.decode()

    assert second.link.position == 2
    assert second.link.hash in page
    assert first.link.hash in page
    assert '<td class="field-position">2</td>' in client.get(LIST).content.decode()


def test_entry_without_a_link_is_shown_to_be_so(client, administrator):
    entry = AuditEntryFactory.create()

    assert client.get(page_of(entry)).content.decode().count("not in the chain") == 3
    assert '<td class="field-position">not in the chain</td>' in client.get(LIST).content.decode()


def test_change_is_shown_field_by_field(client, administrator):
    entry = AuditEntryFactory.create(
        before={"role": "viewer", "scopes": ["read"]}, after={"role": "<b>admin", "expires_at": None}
    )

    page = client.get(page_of(entry)).content.decode()

    for row in (
        "<tr><th>role</th><td>viewer</td><td>&lt;b&gt;admin</td></tr>",
        "<tr><th>scopes</th><td>[&quot;read&quot;]</td><td></td></tr>",
        "<tr><th>expires_at</th><td></td><td>null</td></tr>",
    ):
        assert row in page


def test_deed_that_changed_no_fields_has_no_table(client, administrator):
    assert "<th>before</th>" not in client.get(page_of(AuditEntryFactory.create())).content.decode()


@pytest.mark.parametrize("subject", [UserFactory, JobFactory])
def test_subject_leads_to_its_page(client, administrator, subject):
    about = subject.create()
    entry = audit.record("tests.deed.done", actor=None, subject=about, at=NOON)
    path = reverse(f"admin:accounts_{about._meta.model_name}_change", args=[about.pk])

    for place in (LIST, page_of(entry)):
        assert f'<a href="{path}">{about._meta.label_lower} {about.pk}</a>' in client.get(place).content.decode()


@pytest.mark.parametrize(
    ("subject_type", "subject_id"),
    [("accounts.nothing", "1"), ("nothing", "1"), ("contenttypes.contenttype", "1"), ("accounts.user", ""), ("", "")],
)
def test_subject_without_a_page_is_only_named(client, administrator, subject_type, subject_id):
    AuditEntryFactory.create(subject_type=subject_type, subject_id=subject_id)

    cell = client.get(LIST).content.decode().partition('<td class="field-about">')[2].partition("</td>")[0]

    assert "<a" not in cell
    assert (subject_type or "-") in cell


class TestFilters:
    @pytest.fixture(autouse=True)
    def deeds(self, administrator):
        self.alice = UserFactory.create(username="alice")
        AuditEntryFactory.create(actor=self.alice, verb="tests.user.done", subject_type="accounts.user")
        AuditEntryFactory.create(actor=administrator, verb="tests.job.done", subject_type="accounts.job")
        AuditEntryFactory.create(actor=None, verb="tests.schedule.done")

    def test_by_actor(self, client, administrator):
        assert found(client, actor=administrator.pk) == {"tests.job.done"}
        assert found(client, actor=self.alice.pk) == {"tests.user.done"}
        assert found(client, actor="nobody") == {"tests.schedule.done"}
        assert found(client, actor=10**30) == set()

    def test_by_verb_subject_and_day(self, client):
        assert found(client, verb="tests.job.done") == {"tests.job.done"}
        assert found(client, subject_type="accounts.user") == {"tests.user.done"}
        assert found(client, created_at__gte="2100-01-01 00:00Z") == set()
        assert len(found(client, created_at__gte="2020-01-01 00:00Z")) == 3

    def test_those_who_work_here_are_offered_and_who_was_chosen(self, client):
        def offered(**question):
            spec = client.get(LIST, question).context["cl"].filter_specs[0]
            return [name for _, name in spec.lookup_choices]

        assert offered() == ["nobody (schedules)", "boss"]
        assert offered(actor=self.alice.pk) == ["nobody (schedules)", "alice", "boss"]

    def test_name_in_a_row_chooses_its_deeds(self, client):
        assert f'<a href="{LIST}?actor={self.alice.pk}">alice</a>' in client.get(LIST).content.decode()

    def test_actor_that_is_no_number_is_no_question(self, client):
        answer = client.get(LIST, {"actor": "x"})

        assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}?e=1")


def test_list_asks_as_many_questions_for_twelve_entries_as_for_one(
    client, administrator, django_assert_max_num_queries
):
    def deed():
        audit.record("tests.deed.done", actor=UserFactory.create(), subject=JobFactory.create(), at=NOON)
        link()

    deed()
    client.get(LIST)
    with django_assert_max_num_queries(50) as one:
        client.get(LIST)
    for _ in range(11):
        deed()

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(LIST)

    assert (User.objects.count(), Job.objects.count()) == (25, 12)
