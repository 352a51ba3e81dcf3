from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.actions import incidents
from accounts.models import AuditEntry, Incident, Mail
from config.kernel.errors import ValidationFailed
from tests.accounts.factories import NOON, IncidentFactory, UserFactory

pytestmark = pytest.mark.integration

LATER = NOON + timedelta(seconds=30)


def notice(at=NOON, **fields):
    described = {
        "severity": Incident.Severity.WARNING,
        "summary": "3 jobs waited.",
        "details": {"waiting": 3},
        **fields,
    }
    return incidents.open_or_touch("old_queue", "default", at=at, **described)


@pytest.mark.django_db
def test_what_is_noticed_is_opened_with_its_trace():
    incident = notice()

    entry = AuditEntry.objects.about(incident).get()
    assert (incident.opened_at, incident.last_seen_at, incident.closed_at) == (NOON, NOON, None)
    assert (entry.verb, entry.actor, entry.after) == (
        "accounts.incident.opened",
        None,
        {"kind": "old_queue", "subject": "default", "severity": "warning", "summary": "3 jobs waited."},
    )


@pytest.mark.django_db
def test_what_still_lasts_is_the_same_incident_with_the_latest_words():
    first = notice()

    second = notice(at=LATER, summary="9 jobs waited.", details={"waiting": 9}, severity=Incident.Severity.CRITICAL)

    assert first == second
    assert (second.opened_at, second.last_seen_at, second.severity) == (NOON, LATER, "critical")
    assert (second.summary, second.details) == ("9 jobs waited.", {"waiting": 9})
    assert AuditEntry.objects.about(first).verbs() == ["accounts.incident.opened"]


@pytest.mark.django_db
def test_what_comes_again_after_it_was_over_is_another_incident():
    first = notice()
    incidents.close(first, at=LATER)

    second = notice(at=LATER)

    first.refresh_from_db()
    assert (first.closed_at, second.closed_at, first.pk == second.pk) == (LATER, None, False)
    assert AuditEntry.objects.about(first).verbs() == ["accounts.incident.opened", "accounts.incident.closed"]


@pytest.mark.django_db
def test_somebody_is_told_once(settings):
    settings.ADMIN_NOTIFICATION_EMAIL = "desk@example.com"

    notice()
    incident = notice(at=LATER)

    mail = Mail.objects.values_list("template", "recipient", "context__kind", "context__path").get()
    assert mail == (
        "incident_opened",
        "desk@example.com",
        "old_queue",
        f"/admin/accounts/incident/{incident.pk}/change/",
    )


def test_of_all_who_notice_at_once_one_opens_it(committed_db):
    def look(_):
        try:
            return notice().pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as people:
        opened = set(people.map(look, range(16)))

    assert len(opened) == Incident.objects.count() == 1
    assert AuditEntry.objects.filter(verb="accounts.incident.opened").count() == 1


@pytest.mark.django_db
def test_two_open_incidents_about_one_thing_are_refused_by_the_table():
    notice()

    with pytest.raises(IntegrityError, match="incident_one_open_per_subject"), transaction.atomic():
        IncidentFactory.create(subject="default")


@pytest.mark.django_db
def test_what_is_over_cannot_be_closed_again():
    incident = notice()
    incidents.close(incident, at=LATER)

    with pytest.raises(incidents.IncidentNotOpen):
        incidents.close(incident, at=LATER + timedelta(seconds=30))

    incident.refresh_from_db()
    assert incident.closed_at == LATER


@pytest.mark.django_db
def test_a_clock_that_is_behind_neither_touches_nor_closes_before_the_opening():
    incident = notice(at=LATER)

    notice(at=NOON)
    incidents.close(incident, at=NOON)

    incident.refresh_from_db()
    assert (incident.last_seen_at, incident.closed_at) == (LATER, LATER)


@pytest.mark.django_db
def test_whoever_acknowledges_says_what_they_make_of_it():
    incident, olga = notice(), UserFactory.create()

    incidents.acknowledge(incident, by=olga, reason=" A worker is being replaced. ", at=LATER)

    incident.refresh_from_db()
    entry = AuditEntry.objects.about(incident).latest("pk")
    assert (incident.acknowledged_by, incident.acknowledged_at, incident.closed_at) == (olga, LATER, None)
    assert (entry.verb, entry.actor, entry.reason) == (
        "accounts.incident.acknowledged",
        olga,
        "A worker is being replaced.",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("prepare", "reason", "error"),
    [
        (lambda incident, who: None, " ", ValidationFailed),
        (lambda incident, who: incidents.close(incident, at=LATER), "Seen.", incidents.IncidentNotOpen),
        (
            lambda incident, who: incidents.acknowledge(incident, by=who, reason="Mine.", at=LATER),
            "Seen.",
            incidents.IncidentAcknowledged,
        ),
    ],
)
def test_an_acknowledgement_that_is_refused_changes_nothing(prepare, reason, error):
    incident, olga, omar = notice(), UserFactory.create(), UserFactory.create()
    prepare(incident, olga)
    before = Incident.objects.values().get(), AuditEntry.objects.count()

    with pytest.raises(error):
        incidents.acknowledge(incident, by=omar, reason=reason, at=LATER)

    assert (Incident.objects.values().get(), AuditEntry.objects.count()) == before
