"""What the schedules start: each asks for a job, which any worker performs."""

from celery import shared_task

from config.kernel import clock
from risk.actions import score_runs
from risk.models import ScoreRun
from risk.runs import fitting, outcomes, scoring


@shared_task(name="risk.score_universe")
def score_universe(**_: object) -> dict[str, str]:
    """Score every listed asset as of the last close, by every active model."""
    return {"job": str(scoring.request(None, scoring.Parameters(), at=clock.now()).pk)}


@shared_task(name="risk.record_forecast_outcomes")
def record_forecast_outcomes(**_: object) -> dict[str, str]:
    """Write down what came of earlier forecasts."""
    return {"job": str(outcomes.request(None, at=clock.now()).pk)}


@shared_task(name="risk.fit_models")
def fit_models(**_: object) -> dict[str, str]:
    """Let every active model learn from what has happened by the end of last month."""
    return {"job": str(fitting.request(None, fitting.Parameters(), at=clock.now()).pk)}


@shared_task(name="risk.look_after_runs")
def look_after_runs(**_: object) -> dict[str, int]:
    """End runs that nobody is left to complete and give up those of a market that was replaced, so that people see
    them and their days can be scored anew."""
    at = clock.now()
    return {"former": score_runs.give_up_former(at=at), "lost": score_runs.fail_lost(ScoreRun.objects.all(), at=at)}
