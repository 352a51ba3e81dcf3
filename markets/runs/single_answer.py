"""A run that is one answer of one provider: asked, kept, judged, stored, and told about in its row."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

import structlog
from django.db import transaction

from config.kernel import clock
from markets.actions import provider_states, quarantine, raw_answers
from markets.actions.stored_rows import StoredRows
from markets.models import SyncRun
from markets.providers.errors import ProviderError
from markets.providers.provider import RawAnswer
from markets.providers.rejects import Reject

LOST_AFTER = timedelta(minutes=10)
"""A call has a deadline of seconds and few attempts: what still runs after this was lost with its process."""

log = structlog.get_logger(__name__)


class Judged(Protocol):
    """Rows that were believed, and those that were not."""

    @property
    def rows(self) -> Sequence[object]: ...

    @property
    def rejects(self) -> Sequence[Reject]: ...


Answer = TypeVar("Answer", bound=Judged)


def perform(
    kind: SyncRun.Kind,
    provider: str,
    *,
    ask: Callable[[], tuple[RawAnswer, Answer]],
    store: Callable[[Answer], StoredRows],
) -> SyncRun:
    """Ask and store. The run, as it ended, is the answer, also when the provider failed."""
    provider_states.introduce([provider])
    started_at = clock.now()
    SyncRun.objects.running().filter(kind=kind, provider=provider, started_at__lt=started_at - LOST_AFTER).update(
        state=SyncRun.State.FAILED,
        finished_at=started_at,
        error_code="interrupted",
        error="The process that fetched was lost.",
    )
    run = SyncRun.objects.create(kind=kind, provider=provider, started_at=started_at)
    try:
        answer, judged = ask()
        raw_answers.keep(answer)
        with transaction.atomic():
            quarantine.add(judged.rejects, provider=provider, run=run, at=clock.now())
            stored = store(judged)
            run.received = len(judged.rows) + len(judged.rejects)
            run.inserted, run.updated, run.unchanged = stored.inserted, stored.updated, stored.unchanged
            run.quarantined = len(judged.rejects)
            _finish(run, SyncRun.State.SUCCEEDED)
    except ProviderError as error:
        provider_states.failed(provider, error, at=clock.now())
        _finish(run, SyncRun.State.FAILED, error.code, str(error))
        log.warning("run.provider_failed", kind=kind, provider=provider, code=error.code)
        return run
    except Exception as error:
        # The run tells of it; what was counted is rolled back with what was stored.
        SyncRun.objects.filter(pk=run.pk).update(
            state=SyncRun.State.FAILED, finished_at=clock.now(), error_code="not_stored", error=type(error).__name__
        )
        raise
    provider_states.succeeded(provider, at=clock.now())
    log.info("run.stored", kind=kind, provider=provider, received=run.received, inserted=run.inserted)
    return run


def _finish(run: SyncRun, state: SyncRun.State, error_code: str = "", error: str = "") -> None:
    run.state, run.error_code, run.error = state, error_code, error
    run.finished_at = clock.now()
    run.save()
