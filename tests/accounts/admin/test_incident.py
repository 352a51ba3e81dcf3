import pytest
from django.urls import reverse

from accounts.actions import role_groups
from accounts.models import AuditEntry, Incident
from accounts.roles import Role
from tests.accounts.factories import NOON, IncidentFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/accounts/incident/"


@pytest.fixture
def enter(client):
    def enter(role):
        role_groups.sync()
        person = UserFactory.create(role=role)
        client.force_login(person)
        return person

    return enter


def acknowledge(client, *incidents, **fields):
    rows = {"action": "acknowledge_selected", "_selected_action": [incident.pk for incident in incidents]}
    return client.post(LIST, {**rows, **fields}, follow=True)


def test_operator_acknowledges_with_a_reason(client, enter):
    operator, incident = enter(Role.OPERATOR), IncidentFactory.create()

    question = acknowledge(client, incident).content.decode()
    acknowledge(client, incident, reason="A worker is being replaced.")

    incident.refresh_from_db()
    assert "Acknowledge these incidents?" in question
    assert (incident.acknowledged_by, incident.closed_at) == (operator, None)
    assert AuditEntry.objects.about(incident).verbs() == ["accounts.incident.acknowledged"]


def test_one_that_is_over_is_named_and_the_others_are_acknowledged(client, enter):
    enter(Role.OPERATOR)
    over, still = IncidentFactory.create(closed_at=NOON), IncidentFactory.create()

    page = acknowledge(client, over, still, reason="Seen.").content.decode()

    assert "This incident is over." in page
    assert "1 acknowledged." in page
    assert list(Incident.objects.filter(acknowledged_at__isnull=False)) == [still]


def test_moderator_has_no_business_there(client, enter):
    enter(Role.MODERATOR)
    incident = IncidentFactory.create()

    answers = [client.get(LIST), acknowledge(client, incident, reason="Me too.")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not Incident.objects.filter(acknowledged_at__isnull=False).exists()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_nobody_writes_incidents_by_hand(client, enter, role):
    enter(role)
    incident = IncidentFactory.create()

    answers = [
        client.post(f"{LIST}add/", {}),
        client.post(f"{LIST}{incident.pk}/change/", {}),
        client.post(f"{LIST}{incident.pk}/delete/", {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert client.get(f"{LIST}{incident.pk}/change/").status_code == 200
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    ("question", "found"),
    [({"open": "yes"}, 2), ({"open": "no"}, 1), ({"kind": "dead_job"}, 1), ({"q": "needle"}, 1), ({}, 3)],
)
def test_incidents_are_filtered_and_searched(client, enter, question, found):
    enter(Role.OPERATOR)
    IncidentFactory.create(closed_at=NOON)
    IncidentFactory.create(kind="dead_job")
    IncidentFactory.create(subject="needle")

    response = client.get(LIST, question)

    assert len(response.context["cl"].result_list) == found


def test_the_list_asks_as_many_questions_for_twelve_as_for_one(client, enter, django_assert_max_num_queries):
    operator = enter(Role.OPERATOR)
    path = reverse("admin:accounts_incident_changelist")
    IncidentFactory.create(acknowledged_by=operator, acknowledged_at=NOON)
    client.get(path)
    with django_assert_max_num_queries(50) as one:
        client.get(path)
    for _ in range(11):
        IncidentFactory.create(acknowledged_by=UserFactory.create(), acknowledged_at=NOON)

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(path)
