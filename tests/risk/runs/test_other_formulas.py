"""An active model that this code cannot calculate any more: skipped, told of once, until somebody retires it."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from structlog.testing import capture_logs

from accounts.actions import jobs
from accounts.models import Incident, Job, Mail
from config import pipelines
from risk.actions import risk_models
from risk.models import RiskModel, RiskScore, ScoreChunk, ScoreRun
from risk.parameters import Parameters
from risk.runs import course, fitting, scoring
from tests.risk.factories import ScoreRunFactory
from tests.risk.markets import LAST, NOON, held, perform_all, simulated

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

WHY = (
    "This model was made of other formulas than these, which cannot calculate it. `manage.py register_model --activate"
    " REASON` scores by these and makes them the headline."
)


@pytest.fixture
def new() -> RiskModel:
    """Beside an old headline, the model of the code, which has been activated."""
    simulated(assets=5, days=100)
    risk_models.register(at=NOON)
    RiskModel.objects.update(version="1.0.0-earlier")
    new = risk_models.register(at=NOON)
    risk_models.activate(new, by=None, at=NOON, reason="The new release.")
    return new


@pytest.fixture
def old(new: RiskModel) -> RiskModel:
    return RiskModel.objects.get(version="1.0.0-earlier")


def night(*, days_ago: int = 0) -> Job:
    as_of = LAST - timedelta(days=days_ago)
    job = scoring.request(None, scoring.Parameters(as_of=as_of.isoformat()), at=NOON)
    perform_all()
    job.refresh_from_db()
    return job


def test_the_run_skips_it_and_the_result_says_why(new: RiskModel, old: RiskModel) -> None:
    result = night().result

    run = ScoreRun.objects.get()
    assert run.model == new
    assert result == {"as_of": LAST.isoformat(), "runs": {new.version: run.pk}, "skipped": {old.version: WHY}}


def test_people_are_told_once_however_many_nights_it_lasts(new: RiskModel, old: RiskModel, settings: Any) -> None:
    settings.ADMIN_NOTIFICATION_EMAIL = "admin@example.com"
    with capture_logs() as logs:
        for days_ago in (2, 1, 0):
            night(days_ago=days_ago)

    incident = Incident.objects.get()
    assert (incident.kind, incident.subject, incident.severity) == (
        "risk_model_of_other_formulas",
        old.version,
        "critical",
    )
    assert "run `manage.py register_model --activate REASON` and retire it" in incident.summary
    assert Mail.objects.count() == 1
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["incident.opened"]


def test_it_is_over_when_the_model_is_retired(new: RiskModel, old: RiskModel) -> None:
    night()

    risk_models.make_headline(new, by=None, at=NOON, reason="The new release.")
    assert Incident.objects.open().get().severity == "warning"
    risk_models.retire(old, by=None, at=NOON, reason="Replaced.")

    assert not Incident.objects.open().exists()
    result = night().result
    assert result is not None
    assert result["skipped"] == {}


def test_it_is_over_when_the_release_that_it_was_made_of_is_back(new: RiskModel, old: RiskModel) -> None:
    night()
    RiskModel.objects.filter(pk=new.pk).update(version="1.0.0-later")
    RiskModel.objects.filter(pk=old.pk).update(version=new.version)

    night()

    assert Incident.objects.open().get().subject == "1.0.0-later"
    assert ScoreRun.objects.filter(model=old).exists()


def test_a_model_with_parameters_of_another_release_spares_the_others(new: RiskModel, old: RiskModel) -> None:
    RiskModel.objects.filter(pk=old.pk).update(parameters=Parameters().stored() | {"half_life": 3.0})

    job = night()

    assert job.state == Job.State.SUCCEEDED
    assert ScoreRun.objects.get().model == new


@pytest.fixture
def upgraded(new: RiskModel, old: RiskModel) -> RiskModel:
    """After a release that nobody has decided about: the model of the code is a draft."""
    RiskModel.objects.filter(pk=new.pk).update(state=RiskModel.State.DRAFT)
    return old


@pytest.mark.parametrize("kind", [scoring, fitting])
def test_a_night_that_no_model_is_left_for_fails_and_says_what_to_do(upgraded: RiskModel, kind: Any) -> None:
    job = kind.request(None, kind.Parameters(), at=NOON)

    perform_all()

    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "no_model_of_these_formulas")
    assert "Run `manage.py register_model --activate REASON`" in job.error_message
    assert not ScoreRun.objects.exists()
    assert Incident.objects.open().get().severity == "critical"


def test_the_command_that_is_named_keeps_the_parameters_of_the_headline(upgraded: RiskModel) -> None:
    RiskModel.objects.filter(pk=upgraded.pk).update(parameters=Parameters(penalty=0.02, hold_days=7).stored())

    assert night().error_message.count("register_model --set penalty=0.02 hold_days=7 --activate REASON") == 1


def test_that_command_is_all_that_it_takes(upgraded: RiskModel, new: RiskModel) -> None:
    ScoreRunFactory.create(model=upgraded, as_of=LAST)

    call_command("register_model", "--activate", "The new release.", stdout=StringIO())

    new.refresh_from_db()
    run = ScoreRun.objects.get(model=new)
    assert (new.state, new.is_headline, run.state) == ("active", True, "finished")
    assert run.as_of >= LAST
    assert Incident.objects.open().get().severity == "warning"


@pytest.mark.parametrize(("kind", "done"), [("score_chunk", 1), ("finish_scores", 2)])
def test_release_in_the_middle_of_a_run_ends_it_once_and_for_all(new: RiskModel, kind: str, done: int) -> None:
    scoring.request(None, scoring.Parameters(LAST.isoformat(), new.version), at=NOON)
    perform_all(most=done)
    RiskModel.objects.filter(pk=new.pk).update(version="1.0.0-before")

    (job,) = perform_all()

    assert (job.kind, job.state, job.attempt) == (kind, "failed", 1)
    assert (job.error_code, job.error_message) == ("risk_model_of_other_formulas", WHY)
    run = ScoreRun.objects.get()
    assert (run.state, run.error) == ("failed", f"{kind}: {WHY}")
    assert not RiskScore.objects.exists()


def test_other_chunks_of_a_run_that_a_release_has_ended_come_to_nothing(new: RiskModel) -> None:
    run = course.begin(course.plan(new, LAST, at=NOON), job=held(), at=NOON, chunk_assets=3)
    for chunk in ScoreChunk.objects.filter(run=run):
        jobs.request(scoring.CHUNK, owner=None, parameters={"chunk": chunk.pk}, at=NOON)
    RiskModel.objects.filter(pk=new.pk).update(version="1.0.0-before")

    first, second = perform_all()

    assert (first.state, second.state) == ("failed", "succeeded")
    assert second.result == {"run": run.pk, "chunk": 1, "assets": 0}
    assert ScoreRun.objects.get().state == "failed"


def test_asked_for_by_its_version_it_is_refused(new: RiskModel, old: RiskModel) -> None:
    job = scoring.request(None, scoring.Parameters(LAST.isoformat(), old.version), at=NOON)

    pipelines.perform_job(job_id=str(job.pk))

    job.refresh_from_db()
    assert (job.state, job.error_code, job.error_message) == ("failed", "risk_model_of_other_formulas", WHY)
