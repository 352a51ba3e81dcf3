from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Job
from risk import tasks
from risk.actions import risk_models
from risk.backtest_table import NOTES
from risk.models import Backtest, ForecastOutcome, RiskModel, RiskScore, ScoreRun
from risk.parameters import Parameters
from tests.risk.markets import DAYS, LAST, NOON, simulated

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def said(command: str, *arguments: str) -> list[str]:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def market() -> RiskModel:
    simulated()
    return risk_models.register(at=NOON)


def test_model_of_the_code_is_registered_and_later_ones_wait_to_be_activated(db):
    (line,) = said("register_model")
    first = RiskModel.objects.get()
    assert line == f"Risk model {first.version}: active, the headline."
    RiskModel.objects.update(version="1.0.0-earlier")

    (draft,) = said("register_model")
    (shown,) = said("register_model", "--activate", "It is newer.")

    second = RiskModel.objects.get(is_headline=True)
    assert draft == f"Risk model {second.version}: draft."
    assert shown == f"Risk model {second.version}: active, the headline."


def test_a_model_with_other_parameters_is_registered_beside_the_first(db):
    said("register_model")

    (line,) = said("register_model", "--set", "penalty=0.02", "hold_days=7")

    model = RiskModel.objects.get(is_headline=False)
    assert line == f"Risk model {model.version}: draft."
    assert model.parameters == Parameters(penalty=0.02, hold_days=7).stored()


@pytest.mark.parametrize(
    ("setting", "refusal"),
    [
        ("penalty=much", "penalty: Give a number."),
        ("penalty", "penalty: Give a number."),
        ("half_life=3", "half_life: There is no such parameter; there are penalty, "),
        ("hold_days=400", "hold_days: Give days from 0 to 365."),
    ],
)
def test_parameters_that_cannot_be_are_told_what_to_do(db, setting, refusal):
    with pytest.raises(CommandError, match=refusal):
        said("register_model", "--set", setting)

    assert not RiskModel.objects.exists()


def test_universe_is_scored_and_asked_assets_are_shown(market):
    lines = said("score_universe", "--as-of", LAST.isoformat(), "--assets", "bitcoin")

    row = RiskScore.objects.get(asset__slug="bitcoin")
    assert row.score is not None
    assert lines[0] == f"{market.version} as of {LAST}: {RiskScore.objects.count()} ok."
    assert lines[1].startswith(f"bitcoin                  {row.score:5.1f} {row.band}, 90 % interval")


def test_dry_run_shows_what_would_be_stored_and_stores_nothing(market):
    lines = said("score_universe", "--as-of", LAST.isoformat(), "--dry-run", "--assets", "bitcoin")

    assert lines[0] == f"{market.version} as of {LAST}: would store 26 rows, 26 scores."
    assert lines[1].startswith("bitcoin ")
    assert not RiskScore.objects.exists()
    assert not ScoreRun.objects.exists()


def test_scores_are_asked_for_without_waiting(market):
    (line,) = said("score_universe", "--as-of", LAST.isoformat(), "--request")

    job = Job.objects.get()
    assert (job.kind, job.state, job.parameters) == (
        "score_universe",
        "queued",
        {"as_of": LAST.isoformat(), "model": None},
    )
    assert line == f"Asked for the scores as of {LAST}: job {job.pk}."


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--dry-run",), "--request goes with neither"),
        (("--assets", "bitcoin"), "--request goes with neither"),
        (("--model", "0.0.0"), "no such version of the risk model"),
        (("--as-of", "0001-01-01"), "No asset has a daily price"),
        (("--as-of", "2999-01-01"), "That day is not over"),
    ],
)
def test_what_workers_cannot_do_is_not_asked_of_them(market, arguments, refusal):
    with pytest.raises(CommandError, match=refusal):
        said("score_universe", "--as-of", LAST.isoformat(), "--request", *arguments)

    assert not Job.objects.exists()


def test_a_model_that_has_scored_the_day_keeps_no_other_one_waiting(market):
    said("score_universe", "--as-of", LAST.isoformat())
    other = risk_models.register(at=NOON, parameters=Parameters(penalty=0.02))
    risk_models.activate(other, by=None, at=NOON, reason="Side by side.")

    lines = said("score_universe", "--as-of", LAST.isoformat())

    assert lines == [
        f"{market.version} as of {LAST}: scored already, or being scored.",
        f"{other.version} as of {LAST}: 26 ok.",
    ]


def test_a_day_that_every_model_has_scored_is_refused(market):
    said("score_universe", "--as-of", LAST.isoformat())

    with pytest.raises(CommandError, match="This day has been scored by this model"):
        said("score_universe", "--as-of", LAST.isoformat())


def test_no_model_is_put_in_charge_for_no_reason(db):
    said("register_model")

    with pytest.raises(CommandError, match="Say why"):
        said("register_model", "--set", "penalty=0.02", "--activate", "")


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--as-of", "2999-01-01"), "That day is not over"),
        (("--as-of", "2026-03-11", "--assets", "nothing"), "No such asset: nothing"),
        (("--as-of", "0001-01-01"), "No asset has a daily price"),
        (("--as-of", "2026-03-11", "--model", "0.0.0"), "no such version of the risk model"),
    ],
)
def test_what_cannot_be_scored_is_refused(market, arguments, refusal):
    with pytest.raises(CommandError, match=refusal):
        said("score_universe", *arguments)

    assert not ScoreRun.objects.exists()


def test_past_days_are_scored_once_with_what_came_of_them(market):
    since = LAST - timedelta(days=2)
    window = ("--since", since.isoformat(), "--until", LAST.isoformat())

    (first,) = said("backfill_scores", *window)
    (again,) = said("backfill_scores", *window)

    assert first.startswith("3 runs, 0 were there already, 0 had nobody to score; ")
    assert again.startswith("0 runs, 3 were there already, 0 had nobody to score; outcomes recorded: 0 of the next")
    assert list(ScoreRun.objects.order_by("as_of").values_list("as_of", flat=True)) == [
        since + timedelta(days=day) for day in range(3)
    ]
    assert ForecastOutcome.objects.filter(horizon="day").count() == 2 * 26 * 3


def test_days_before_all_prices_are_passed_over(market):
    first = LAST - timedelta(days=DAYS - 1)
    window = ("--since", (first - timedelta(days=2)).isoformat(), "--until", first.isoformat())

    (line,) = said("backfill_scores", *window)

    assert line.startswith("1 runs, 0 were there already, 2 had nobody to score; ")
    assert ScoreRun.objects.get().as_of == first
    assert Job.objects.get().state == Job.State.SUCCEEDED


def test_backtest_is_printed_and_kept(market):
    lines = said("backtest_model", "--until", LAST.isoformat())

    found = Backtest.objects.get()
    assert lines[0] == (
        f"{market.version}: {found.forecasts} forecasts of {found.assets} assets"
        f" on {found.days} days, {found.since} to {LAST}."
    )
    assert [line.split()[:2] for line in lines[2 : 2 + 21]] == [
        [f"{result['method']}{'*' if result['baseline'] else ''}", f"{100 * result['level']:g}"]
        for result in found.results
    ]
    assert tuple(lines[2 + 21 :]) == NOTES
    baselines = {result["method"] for result in found.results if result["baseline"]}
    assert baselines == {"ewma_filtered", "ewma_normal", "historical"}
    for result in found.results:
        if not result["forecasts"]:  # of models that these short histories do not have
            assert (result["rate"], result["fz0"], result["tested_assets"]) == (None, None, 0)
            continue
        assert result["rate"] == result["exceedances"] / result["forecasts"]
        assert result["rate_low"] < result["rate"] < result["rate_high"]
        # Simulated returns are of the family that is fitted.
        assert result["rate"] == pytest.approx(result["expected_rate"], abs=0.02)


def test_backtest_is_of_the_days_that_were_forecast_and_not_of_those_that_were_asked_for(client, market):
    first = LAST - timedelta(days=29)

    lines = said("backtest_model", "--since", first.isoformat(), "--until", (LAST + timedelta(days=90)).isoformat())

    assert f" assets on 30 days, {first} to {LAST}." in lines[0]
    found = Backtest.objects.get()
    assert (found.since, found.until, found.days) == (first, LAST, 30)
    error = client.get(f"/api/v1/risk/models/{market.version}/backtest").json()["error"]
    assert (error["code"], error["details"]["days"]) == ("insufficient_history", 30)


def test_first_day_that_is_forecast_is_the_first_that_can_be(market):
    said("backtest_model", "--since", "0001-01-01", "--until", LAST.isoformat())

    found = Backtest.objects.get()
    assert found.since >= LAST - timedelta(days=DAYS - 251)


@pytest.mark.parametrize(
    ("window", "refusal"),
    [
        (("--since", "2026-03-01", "--until", "2999-01-01"), "2999-01-01 is not over"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "2026-03-02 is after 2026-03-01"),
    ],
)
@pytest.mark.parametrize("command", ["backfill_scores", "backtest_model", "validate_score"])
def test_what_is_no_window_of_past_days_is_refused(market, command, window, refusal):
    with pytest.raises(CommandError, match=refusal):
        said(command, *window)


def test_validation_says_the_same_however_long_after_the_last_price(market):
    at_once, later = (said("validate_score", "--until", (LAST + timedelta(days=days)).isoformat()) for days in (0, 3))

    assert later == at_once


def test_validation_prints_our_figures_beside_others(market):
    lines = said("validate_score")

    assert lines[0] == f"Model {market.version}, history through {LAST}."
    for order in ("score", "ewma", "trailing_30", "trailing_90", "cap_rank"):
        assert any(line.startswith(f"{order} ") for line in lines)
    for of in ("score", "percentile"):
        assert any(line.startswith(f"90 % interval of the {of}: covered ") for line in lines)
    assert any(" quarters between 88 and 92 %: " in line for line in lines)
    assert any(line.startswith(("We lose to EWMA on: ", "We do not lose")) for line in lines)


@pytest.mark.parametrize("command", ["validate_score", "backtest_model"])
def test_history_that_is_too_short_is_said(db, command):
    with pytest.raises(CommandError, match="too short"):
        said(command, "--until", LAST.isoformat())


def test_schedules_ask_for_jobs(db):
    answers = [tasks.score_universe(), tasks.record_forecast_outcomes(), tasks.fit_models()]

    kinds = {str(job.pk): job.kind for job in Job.objects.all()}
    assert [kinds[answer["job"]] for answer in answers] == [
        "score_universe",
        "record_forecast_outcomes",
        "fit_risk_model",
    ]
