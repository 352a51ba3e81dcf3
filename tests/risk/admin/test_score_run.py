import pytest
from django.test import Client

from accounts.models import AuditEntry, Job, User
from risk.models import RiskModel, ScoreRun
from tests.risk.factories import ScoreRunFactory
from tests.risk.markets import LAST, coin

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

RUNS = "/admin/risk/scorerun/"


def again(client: Client, run: ScoreRun, reason: str = "The worker was lost.") -> str:
    said = {"action": "run_again", "_selected_action": [run.pk], "reason": reason}
    return client.post(RUNS, said, follow=True).content.decode()


def test_operator_runs_a_failed_day_again_and_says_why(client: Client, operator: User) -> None:
    run = ScoreRunFactory.create(state=ScoreRun.State.FAILED)
    coin("bitcoin", [1.0], until=run.as_of)

    again(client, run)

    job = Job.objects.get()
    assert (job.kind, job.queue, job.owner) == ("score_universe", "risk_calculations", operator)
    assert job.parameters == {"as_of": "2026-03-11", "model": run.model.version}
    entry = AuditEntry.objects.about(run).get()
    assert (entry.verb, entry.actor, entry.reason) == ("risk.run.asked_for_again", operator, "The worker was lost.")


@pytest.mark.parametrize("state", [ScoreRun.State.RUNNING, ScoreRun.State.FINISHED])
def test_a_run_that_did_not_fail_stays_as_it_is(client: Client, operator: User, state: ScoreRun.State) -> None:
    page = again(client, ScoreRunFactory.create(state=state))

    assert "Only a run that failed can be run again" in page
    assert not Job.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_run_of_a_model_that_was_retired_is_not_run_again(client: Client, operator: User) -> None:
    coin("bitcoin", [1.0], until=LAST)
    page = again(client, ScoreRunFactory.create(state=ScoreRun.State.FAILED, model__state=RiskModel.State.RETIRED))

    assert "This model was retired" in page
    assert not Job.objects.exists()
    assert not AuditEntry.objects.exists()


def test_without_a_reason_nothing_happens(client: Client, operator: User) -> None:
    assert "Say why." in again(client, ScoreRunFactory.create(state=ScoreRun.State.FAILED), reason=" ")

    assert not Job.objects.exists()


def test_moderator_only_looks(client: Client, moderator: User) -> None:
    run = ScoreRunFactory.create(state=ScoreRun.State.FAILED)

    again(client, run)

    assert 'value="run_again"' not in client.get(RUNS).content.decode()
    assert not Job.objects.exists()


def test_the_list_shows_state_chunks_counts_and_error(client: Client, moderator: User) -> None:
    ScoreRunFactory.create(counts={"ok": 7, "dead": 1}, chunks=3, chunks_done=3)
    ScoreRunFactory.create(state=ScoreRun.State.FAILED)

    page = client.get(RUNS).content.decode()

    for said in ("3 of 3", "1 dead, 7 ok", "It broke.", "badge-stale", "badge-well"):
        assert said in page
