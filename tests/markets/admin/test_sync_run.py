from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actions import jobs
from accounts.models import AuditEntry, Job, User
from markets.actions import market
from markets.actions.market import Simulation
from markets.models import SyncRun
from tests.markets.factories import NOON, ProviderStateFactory, SyncRunFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST, NOW = "/admin/markets/syncrun/", "/admin/markets/syncrun/sync-now/"


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[Job]:
    """The jobs that the workers hear of."""
    settings.COINMARKETCAP_API_KEY = "k" * 32
    published: list[Job] = []
    monkeypatch.setattr(jobs, "publish", published.append)
    return published


def test_list_shows_how_each_run_went(client: Client, moderator: User) -> None:
    done = {"finished_at": NOON + timedelta(seconds=2.5)}
    SyncRunFactory.create(state="succeeded", received=7, inserted=1, updated=2, unchanged=3, quarantined=1, **done)
    SyncRunFactory.create(state="failed", error_code="rate_limited", started_at=NOON - timedelta(hours=1), **done)
    SyncRunFactory.create(started_at=NOON - timedelta(hours=2))

    rows = client.get(LIST).content.decode().split("<tbody>")[1].split("</tr>")

    assert [state in row for state, row in zip(("succeeded", "failed", "running"), rows, strict=False)] == [True] * 3
    assert ["2.5 s" in rows[0], "rate_limited" in rows[1]] == [True, True]
    counts = ["received", "inserted", "updated", "unchanged", "quarantined"]
    assert [f'field-{name}">{count}<' in rows[0] for name, count in zip(counts, (7, 1, 2, 3, 1), strict=True)] == [
        True
    ] * 5


def test_page_of_a_run_leads_to_its_job(client: Client, moderator: User) -> None:
    job_id = uuid4()
    run = SyncRunFactory.create(job_id=job_id)

    page = client.get(reverse("admin:markets_syncrun_change", args=[run.pk])).content.decode()

    assert f"/admin/accounts/job/{job_id}/change/" in page


def test_operator_asks_for_a_sync(
    client: Client, operator: User, told: list[Job], django_capture_on_commit_callbacks: Any
) -> None:
    assert NOW in client.get(LIST).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(NOW, {"limit": "50", "provider": "coinmarketcap", "cross_check": "on"})

    assert (answer.status_code, answer.headers["Location"]) == (302, LIST)
    job = Job.objects.get()
    assert (job.kind, job.owner) == ("update_market_data", operator)
    assert job.parameters == {"limit": 50, "provider": "coinmarketcap", "cross_check": True}
    assert told == [job]
    assert AuditEntry.objects.about(job).verbs() == ["accounts.job.requested"]
    assert f"/admin/accounts/job/{job.pk}/change/" in client.get(LIST).content.decode()


def test_without_a_choice_providers_are_asked_in_their_order(client: Client, operator: User) -> None:
    form = client.get(NOW).context["form"]
    assert [value for value, _ in form.fields["provider"].choices] == ["", "coingecko", "coinmarketcap"]

    client.post(NOW, {"limit": "200"})

    assert Job.objects.get().parameters == {"limit": 200, "provider": None, "cross_check": False}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1000000000"}, "limit"),
        ({}, "limit"),
        ({"limit": "5", "provider": "nobody"}, "provider"),
    ],
)
def test_refused_sync_is_not_requested(client: Client, operator: User, given: dict[str, str], field: str) -> None:
    answer = client.post(NOW, {"csrf": "x", **given})

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not Job.objects.exists()


def test_simulated_market_is_fed_by_its_simulation_alone(client: Client, operator: User) -> None:
    market.mark_simulated(Simulation(seed=1, assets=2, days=3, end=NOON.date()), at=NOON)

    choices = client.get(NOW).context["form"].fields["provider"].choices

    assert [value for value, _ in choices] == ["", "simulated"]


def test_nobody_to_ask_is_said_at_once(client: Client, operator: User) -> None:
    for name in ("coingecko", "coinmarketcap"):
        ProviderStateFactory.create(name=name, is_enabled=False)

    answer = client.post(NOW, {"limit": "50"})

    messages = [str(message) for message in client.get(answer.headers["Location"]).context["messages"]]
    assert messages == ["No provider may be asked: give a key in the settings or enable one in the admin."]
    assert not Job.objects.exists()


def test_moderator_starts_no_sync(client: Client, moderator: User) -> None:
    assert [client.get(NOW).status_code, client.post(NOW, {"limit": "50"}).status_code] == [403, 403]
    assert NOW not in client.get(LIST).content.decode()

    assert not Job.objects.exists()
    assert not SyncRun.objects.exists()
