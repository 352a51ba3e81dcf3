from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Count, F
from django.db.models.functions import Now

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import AuditEntry, Job
from config import pipelines
from config.kernel import clock
from markets.models import Asset, PriceBlock
from risk.actions import risk_models, score_runs
from risk.actions.score_runs import AlreadyScored, RunNotRunning
from risk.errors import NothingToScore
from risk.models import RiskFit, RiskModel, RiskScore, ScoreChunk, ScoreRun
from risk.parameters import Parameters
from risk.quant import measurement, universe
from risk.quant.tail_risk import Pool
from risk.quant.universe import CAUSES
from risk.runs import course, fitting, scorecards, scoring
from tests.markets.factories import AssetFactory
from tests.risk.markets import LAST, NOON, coin, held, perform_all, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SCORES = "/api/v1/risk/scores"
OWN = {"id", "run", "calculated_at", "previous"}


@pytest.fixture
def model() -> RiskModel:
    simulated()
    return risk_models.register(at=NOON)


def told(run: ScoreRun) -> dict[int, dict[str, object]]:
    """What the rows of a run say, by asset."""
    names = [field.attname for field in RiskScore._meta.concrete_fields if field.name not in OWN]
    return {row.asset_id: {name: getattr(row, name) for name in names} for row in RiskScore.objects.filter(run=run)}


def begin(model: RiskModel, *, chunk_assets: int) -> ScoreRun:
    plan = course.plan(model, LAST, at=NOON)
    return course.begin(plan, job=held(), at=NOON, chunk_assets=chunk_assets)


def test_every_listed_asset_has_a_row_whose_causes_add_up(model):
    run = course.score(model, LAST)

    rows: list[Any] = list(RiskScore.objects.filter(run=run))
    assert {row.asset_id for row in rows} == set(Asset.objects.values_list("pk", flat=True))
    assert run.counts == {"ok": len(rows)}
    for row in rows:
        assert [entry["component"] for entry in row.contributions] == list(CAUSES)
        assert abs(sum(entry["points"] for entry in row.contributions) - row.score) < 1e-9
        assert 0 <= row.score_low_90 <= row.score_low_80 <= row.score <= row.score_high_80 <= row.score_high_90 <= 100
        assert row.percentile_low_90 <= row.percentile <= row.percentile_high_90
        assert "news_unknown" in row.confidence_reasons
        assert [entry["level"] for entry in row.tail] == [0.95, 0.975, 0.99]
        assert all(entry["expected_shortfall"] >= entry["value_at_risk"] > 0 for entry in row.tail)
        # Nobody has 500 returns, so that no dynamics are known.
        assert {entry[f"{name}_error"] for entry in row.tail for name in ("value_at_risk", "expected_shortfall")} == {
            None
        }
        assert (row.data_to, row.model_id) == (LAST, model.pk)
    fit = RiskFit.objects.get()
    assert fit.observations > 100
    assert all(coefficient >= 0 for coefficient in fit.coefficients.values())
    assert AuditEntry.objects.filter(verb="risk.run.finished").count() == 1


def test_nothing_is_stored_of_a_run_with_causes_that_do_not_add_up(model, monkeypatch):
    scored = universe.scored

    def off(*values: Any, **others: Any) -> Any:
        day = scored(*values, **others)
        day.points[-1, 0] += 1e-8
        return day

    monkeypatch.setattr(universe, "scored", off)

    with pytest.raises(scorecards.NotAdditive):
        course.score(model, LAST)

    assert not RiskScore.objects.exists()
    assert ScoreRun.objects.get().state == "failed"


def test_market_of_a_run_is_what_was_planned_to_the_last_bit(model):
    plan = course.plan(model, LAST, at=NOON)
    run = course.begin(plan, job=held(), at=NOON)

    kept = course._market(ScoreRun.objects.get(pk=run.pk))

    assert plan.market.pool.observations > 0
    assert kept.index.tobytes() == plan.market.index.tobytes()
    for field in fields(Pool):
        found, planned = getattr(kept.pool, field.name), getattr(plan.market.pool, field.name)
        assert np.asarray(found).tobytes() == np.asarray(planned).tobytes()


def test_chunks_by_several_workers_are_the_whole_to_the_last_bit(model):
    whole = course.preview(course.plan(model, LAST, at=NOON))
    run = begin(model, chunk_assets=5)
    # In another order, as workers would.
    for chunk in ScoreChunk.objects.filter(run=run).order_by("-number"):
        course.keep(chunk, course.measure(chunk), at=NOON)
    course.finish(run)

    found = told(run)
    assert run.chunks == 6
    assert len(found) == len(whole)
    for row in whole:
        assert {name: getattr(row, name) for name in found[row.asset_id]} == found[row.asset_id]


def test_jobs_do_what_the_command_does(model):
    scoring.request(None, scoring.Parameters(as_of=LAST.isoformat()), at=NOON)

    performed = perform_all()

    assert [job.kind for job in performed] == ["score_universe", "score_chunk", "finish_scores"]
    assert {job.state for job in performed} == {"succeeded"}
    assert {job.queue for job in performed} == {"risk_calculations"}
    run = ScoreRun.objects.get()
    assert (run.state, run.chunks_done, run.job_id) == ("finished", 1, performed[0].pk)
    assert performed[2].result == {"run": run.pk, "as_of": LAST.isoformat(), "counts": run.counts}
    assert not ScoreChunk.objects.exclude(packed=None).exists()


def test_asset_that_cannot_be_read_fails_alone(model):
    broken = Asset.objects.order_by("pk")[3]
    PriceBlock.objects.filter(asset=broken).update(close=b"torn")

    run = course.score(model, LAST)

    row = RiskScore.objects.get(run=run, asset=broken)
    assert (row.status, row.score, row.reason) == ("failed", None, "It could not be worked out: ValueError.")
    assert run.counts["failed"] == 1


def test_time_that_is_over_is_no_fault_of_an_asset(model, monkeypatch):
    chunk = ScoreChunk.objects.filter(run=begin(model, chunk_assets=100)).get()

    def too_slow(*values: Any, **others: Any) -> Any:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(measurement, "measured", too_slow)

    with pytest.raises(SoftTimeLimitExceeded):
        course.measure(chunk)


def test_chunk_that_fails_is_tried_again_alone(model):
    run = begin(model, chunk_assets=13)
    with transaction.atomic():
        for chunk in ScoreChunk.objects.filter(run=run):
            asked = jobs.request(scoring.CHUNK, owner=None, parameters={"chunk": chunk.pk}, at=NOON)
            ScoreChunk.objects.filter(pk=chunk.pk).update(job_id=asked.pk)
    second = ScoreChunk.objects.get(run=run, number=1)
    ScoreChunk.objects.filter(pk=second.pk).update(asset_ids="torn")

    states = [job.state for job in perform_all()]
    ScoreChunk.objects.filter(pk=second.pk).update(asset_ids=second.asset_ids)
    Job.objects.filter(parameters__chunk=second.pk).update(run_after=Now())
    perform_all()

    assert states == ["succeeded", "retrying"]
    attempts = Job.objects.filter(kind=scoring.CHUNK).order_by("created_at", "pk").values_list("attempt", flat=True)
    assert list(attempts) == [1, 2]
    run.refresh_from_db()
    assert (run.state, run.chunks_done) == ("finished", 2)


def test_run_whose_chunk_fails_for_good_has_failed_and_leaves_room_for_another(model):
    run = begin(model, chunk_assets=100)
    chunk = ScoreChunk.objects.get(run=run)
    ScoreChunk.objects.filter(pk=chunk.pk).update(asset_ids="torn")
    asked = jobs.request(scoring.CHUNK, owner=None, parameters={"chunk": chunk.pk}, at=NOON)
    Job.objects.filter(pk=asked.pk).update(max_attempts=1)

    perform_all()

    run.refresh_from_db()
    assert run.state == "failed"
    assert run.error.startswith("score_chunk: ")
    assert not RiskScore.objects.exists()
    again = course.score(model, LAST)
    assert (again.attempt, again.state) == (2, "finished")


def test_worker_that_was_given_up_stores_no_chunk(model):
    run = begin(model, chunk_assets=100)
    chunk = ScoreChunk.objects.get(run=run)
    asked = jobs.request(scoring.CHUNK, owner=None, parameters={"chunk": chunk.pk}, at=NOON)
    late = jobs.start(asked.pk, holder=Holder.current())
    Job.objects.filter(pk=asked.pk).update(attempt=F("attempt") + 1)

    with pytest.raises(jobs.JobNotRunning):
        scoring.perform_chunk(late)

    chunk.refresh_from_db()
    run.refresh_from_db()
    assert (chunk.state, run.chunks_done, run.state) == ("waiting", 0, "running")


def test_chunk_is_stored_once(model):
    run = begin(model, chunk_assets=13)
    chunk = ScoreChunk.objects.get(run=run, number=0)
    part = course.measure(chunk)

    assert [course.keep(chunk, part, at=NOON) for _ in range(2)] == [False, False]

    run.refresh_from_db()
    assert run.chunks_done == 1


def test_day_is_scored_once(model):
    course.score(model, LAST)

    with pytest.raises(AlreadyScored):
        course.score(model, LAST)
    job = jobs.request(scoring.UNIVERSE, owner=None, parameters={"as_of": LAST.isoformat(), "model": None}, at=NOON)
    pipelines.perform_job(job_id=str(job.pk))

    job.refresh_from_db()
    assert job.result == {"as_of": LAST.isoformat(), "runs": {model.version: None}, "skipped": {}}
    assert ScoreRun.objects.count() == 1


def test_what_the_database_refuses_is_not_told_as_scored_already(model):
    plan = course.plan(model, LAST, at=NOON)

    with pytest.raises(IntegrityError, match="null value"):
        score_runs.begin(model, LAST, fit=plan.fit, chunks=[], facts={}, job=held(), at=NOON)

    assert not ScoreRun.objects.exists()


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """One who has always been there, one born yesterday, one without any price, one hidden since, one long hidden."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assets = {
        "old": coin("old", walk(60, seed=1)),
        "born": coin("born", [1.0, 1.1]),
        "silent": AssetFactory.create(slug="silent"),
        "hidden": coin("hidden", walk(60, seed=2)),
        "ended": coin("ended", walk(30, seed=3), until=LAST - timedelta(days=10)),
    }
    Asset.objects.filter(slug__in=["hidden", "ended"]).update(is_active=False)
    return {slug: asset.pk for slug, asset in assets.items()}


@pytest.mark.parametrize(
    ("days_ago", "scored"),
    [
        (0, ["born", "old", "silent"]),
        (1, ["born", "hidden", "old"]),
        (2, ["hidden", "old"]),
        (10, ["ended", "hidden", "old"]),
    ],
)
def test_a_past_day_has_those_who_were_there_and_the_last_one_all_that_are_listed(market, days_ago, scored):
    plan = course.plan(risk_models.register(at=NOON), LAST - timedelta(days=days_ago), at=NOON)

    assert sorted(plan.asset_ids) == sorted(market[slug] for slug in scored)


def test_run_is_finished_once(model):
    run = course.score(model, LAST)
    before = RiskScore.objects.count()

    with pytest.raises(RunNotRunning), transaction.atomic():
        score_runs.finish(run, counts={}, durations={}, at=NOON)

    assert RiskScore.objects.count() == before


def test_two_active_versions_score_and_are_read_side_by_side(client, model):
    other = risk_models.register(at=NOON, parameters=Parameters(recent_share=0.9))
    risk_models.activate(other, by=None, at=NOON, reason="To compare.")
    scoring.request(None, scoring.Parameters(as_of=LAST.isoformat()), at=NOON)

    perform_all()

    assert ScoreRun.objects.finished().count() == 2
    ours, theirs = (dict(RiskScore.objects.filter(model=m).values_list("asset_id", "score")) for m in (model, other))
    assert ours.keys() == theirs.keys()
    assert all(ours[pk] != theirs[pk] for pk in ours)
    assert RiskScore.objects.of_headline().count() == len(ours)
    assert dict(RiskFit.objects.values_list("model").annotate(fits=Count("pk"))) == {model.pk: 1, other.pk: 1}
    shown = {
        version: {row["symbol"]: row["score"] for row in client.get(SCORES, {"model": version}).json()["results"]}
        for version in (model.version, other.version)
    }
    symbols = dict(Asset.objects.values_list("pk", "symbol"))
    assert shown == {
        model.version: {symbols[pk]: value for pk, value in ours.items()},
        other.version: {symbols[pk]: value for pk, value in theirs.items()},
    }


@pytest.mark.parametrize("kind", [scoring, fitting])
def test_model_that_was_retired_after_it_was_asked_for_neither_scores_nor_learns(model, kind):
    other = risk_models.register(at=NOON, parameters=Parameters(recent_share=0.9))
    job = kind.request(None, kind.Parameters(LAST.isoformat(), other.version), at=NOON)
    RiskModel.objects.filter(pk=other.pk).update(state=RiskModel.State.RETIRED)

    perform_all()

    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "risk_model_not_active")
    assert not ScoreRun.objects.exists()
    assert not RiskFit.objects.exists()


def test_next_day_says_what_has_changed_by_component(model):
    course.score(model, LAST - timedelta(days=1))
    course.score(model, LAST)

    row: Any
    for row in RiskScore.objects.filter(as_of=LAST).select_related("previous"):
        assert row.delta == row.score - row.previous.score
        assert abs(sum(entry["points"] for entry in row.delta_by_component) - row.delta) < 1e-9


def test_nothing_is_learnt_twice(model):
    course.score(model, LAST - timedelta(days=1))
    course.score(model, LAST)

    assert RiskFit.objects.count() == 1


@pytest.mark.parametrize("change", ["UPDATE risk_riskscore SET score = 1", "DELETE FROM risk_riskscore"])
def test_scores_stay_as_they_were_stored(model, change):
    course.score(model, LAST)

    with pytest.raises(DatabaseError), transaction.atomic():
        RiskScore.objects.update(score=1) if change.startswith("UPDATE") else RiskScore.objects.all().delete()

    assert not RiskScore.objects.filter(score=1).exists()
    assert RiskScore.objects.count() == Asset.objects.count()


def test_the_dead_have_their_hundred_where_nothing_has_been_learnt():
    simulated(assets=5, days=100)
    closes = np.concatenate([walk(60, seed=1), np.full(40, 0.001)])
    dead = coin("dead", closes, volume=[1e6] * 60 + [10.0] * 40)

    run = course.score(risk_models.register(at=NOON), LAST)

    row: Any = RiskScore.objects.get(asset=dead)
    assert (run.fit, run.counts) == (None, {"no_model": 5, "dead": 1})
    assert (row.score, row.band, row.score_low_90, row.confidence) == (100, "extreme", None, "")
    # Of six, five of which are measured and not scored, it is the riskiest.
    assert row.percentile == pytest.approx(100 * 5.5 / 6)
    assert {entry["component"]: entry["points"] for entry in row.contributions if entry["points"]} == {"death": 100}
    assert [entry["component"] for entry in row.contributions] == list(CAUSES)


def test_history_too_short_to_learn_from_gives_measurements_and_no_score():
    simulated(assets=5, days=100)
    run = course.score(risk_models.register(at=NOON), LAST)

    assert run.fit is None
    assert run.counts == {"no_model": 5}
    row = RiskScore.objects.earliest("pk")
    assert (row.score, row.percentile, row.band, row.sigma) == (None, None, "", None)
    assert row.reason == "The stored history is too short for the model to have learnt from it."
    assert row.measurements[0]["value"] > 0


@pytest.mark.parametrize("assets", [0, 1])
def test_night_of_an_empty_installation_leaves_its_day_to_the_history_that_is_imported_later(assets, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    AssetFactory.create_batch(assets)  # listed, but without any price

    night = scoring.request(None, scoring.Parameters(), at=NOON)
    perform_all()

    night.refresh_from_db()
    model = RiskModel.objects.get()
    why = "No asset has a daily price by the close of that day: import the history first."
    assert (night.state, night.result) == (
        "succeeded",
        {"as_of": LAST.isoformat(), "runs": {}, "skipped": {model.version: why}},
    )
    coin("imported", walk(60, seed=1))
    assert course.score(model, LAST).state == "finished"


def test_day_before_all_prices_is_no_run_and_no_failed_job(model):
    with pytest.raises(NothingToScore):
        course.score(model, date(2015, 1, 1))

    assert not ScoreRun.objects.exists()
    assert not Job.objects.exists()
    assert not RiskFit.objects.exists()
