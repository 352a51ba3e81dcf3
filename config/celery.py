"""The Celery application: which queues there are, where tasks are found, how they log."""

import os
from typing import Any

from celery import Celery
from celery.bootsteps import StartStopStep
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

QUEUES = ("default", "risk_calculations", "portfolio_operations", "report_generation", "maintenance")

app = Celery(
    "config",
    # A routing key each, or whoever publishes by exchange and key would reach all queues at once.
    task_queues=[Queue(name, routing_key=name) for name in QUEUES],
    task_default_queue="default",
    # A queue that no worker serves would swallow what is sent to it.
    task_create_missing_queues=False,
    # Tasks that are not named here go to the default queue. Kinds of jobs have the names below and no others; some of
    # them are still to come.
    task_routes={
        "accounts.forget_logins": {"queue": "maintenance"},
        "accounts.forget_mails": {"queue": "maintenance"},
        "accounts.log_audit_head": {"queue": "maintenance"},
        "accounts.verify_audit_chain": {"queue": "maintenance"},
        "score_universe": {"queue": "risk_calculations"},
        "score_chunk": {"queue": "risk_calculations"},
        "finish_scores": {"queue": "risk_calculations"},
        "fit_risk_model": {"queue": "risk_calculations"},
        "record_forecast_outcomes": {"queue": "risk_calculations"},
        "monte_carlo_simulation": {"queue": "risk_calculations"},
        "calculate_var_cvar": {"queue": "risk_calculations"},
        "stress_test_portfolio": {"queue": "risk_calculations"},
        "optimize_portfolio": {"queue": "portfolio_operations"},
        "rebalance_portfolio": {"queue": "portfolio_operations"},
        "analyze_portfolio_performance": {"queue": "portfolio_operations"},
        "generate_portfolio_report": {"queue": "report_generation"},
        "export_portfolio_data": {"queue": "report_generation"},
        "cleanup_expired_tasks": {"queue": "maintenance"},
        "update_market_data": {"queue": "default"},
        "accounts.relay_jobs": {"queue": "maintenance"},
        "accounts.reap_jobs": {"queue": "maintenance"},
        "accounts.watch": {"queue": "maintenance"},
        "risk.look_after_runs": {"queue": "maintenance"},
        "markets.close_days": {"queue": "maintenance"},
        "markets.describe_assets": {"queue": "maintenance"},
        "markets.enforce_retention": {"queue": "maintenance"},
    },
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["config"], related_name="pipelines")
app.steps["worker"].add(DjangoStructLogInitStep)


class PoolWatch(StartStopStep):
    """Notices within half a second that a process of the pool has died, and gives its task to another one.

    Celery looks when the dead process's pipe closes, which may be a moment before the system lets go of the process,
    and then only every five seconds.
    """

    requires = ("celery.worker.components:Pool",)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        hub.call_repeatedly(0.5, worker.pool.maintain_pool)


app.steps["worker"].add(PoolWatch)


@setup_logging.connect
def keep_the_logging_of_django(**_: object) -> None:
    """Celery installs handlers of its own unless somebody answers this signal; Django's are the right ones already."""
