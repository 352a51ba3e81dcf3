"""Fetching the latest quotes: whoever answers first, in the order of the settings."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import structlog
from django.db import OperationalError, connection, transaction

from accounts.actions import jobs
from accounts.models import Job, User
from config.kernel import clock
from config.kernel.errors import ProviderUnavailable
from markets import feeds
from markets.actions import divergences, provider_states, quotes, raw_answers
from markets.actions.quotes import StoredQuotes
from markets.models import SyncRun
from markets.providers.errors import ProviderError
from markets.providers.listings import Listings
from markets.providers.provider import Provider, RawAnswer

KIND = "update_market_data"
DEFAULT_LIMIT = 200
MAX_LIMIT = 20_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many of the largest assets, and from whom (None: the order of the settings).

    With `cross_check` a second provider is asked as well, and what it disagrees on is kept.
    """

    limit: int = DEFAULT_LIMIT
    provider: str | None = None
    cross_check: bool = False


def request(owner: User | None, parameters: Parameters, *, at: datetime) -> Job:
    """Ask for a sync; a worker performs it."""
    return jobs.request(KIND, owner=owner, parameters=asdict(parameters), at=at)


def perform(job: Job) -> Mapping[str, object]:
    """Do what `request` asked for; the result tells what became of every row."""
    run = sync(Parameters(**job.parameters), job=job, on_progress=lambda percent: jobs.progress(job, percent))
    if run.state == SyncRun.State.FAILED:
        raise ProviderUnavailable(run.error[:500])
    return {
        "run": run.pk,
        "provider": run.provider,
        "state": run.state,
        "received": run.received,
        "inserted": run.inserted,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "quarantined": run.quarantined,
    }


def sync(
    parameters: Parameters,
    *,
    job: Job | None = None,
    on_progress: Callable[[int], None] = lambda percent: None,
) -> SyncRun:
    """Fetch and store listings. The run, as it ended, is the answer, also when every provider failed.

    `on_progress` hears how far it has come, in percent; what it raises ends the sync, which then stores no quotes.
    While another sync of the same provider is going on, that one's run is returned: two at once are one.
    """
    candidates = feeds.providers(parameters.provider)
    provider_states.introduce(provider.name for provider in candidates)
    run = SyncRun(
        provider=candidates[0].name,
        limit=parameters.limit,
        job_id=job.pk if job else None,
        started_at=clock.now(),
    )
    failures: list[tuple[str, str, str]] = []
    for provider in candidates:
        with _alone(provider, parameters.limit) as is_alone:
            if not is_alone:
                running = SyncRun.objects.running().of_quotes().filter(provider=provider.name).first()
                if running is not None:
                    return running
                continue
            SyncRun.objects.running().of_quotes().filter(provider=provider.name).exclude(pk=run.pk).update(
                # Whoever held the lock before is gone without a word.
                state=SyncRun.State.FAILED,
                finished_at=clock.now(),
                error_code="interrupted",
                error="The process that fetched was lost.",
            )
            run.provider = provider.name
            run.save()
            try:
                listings = _fetch(provider, parameters.limit, failures, on_progress)
                _store(run, provider, listings, failures, on_progress)
            except ProviderError as error:
                failures.append((provider.name, error.code, str(error)))
                continue
            except Exception as error:
                # The run tells of it, unless the market was cleared meanwhile and the run with it.
                SyncRun.objects.filter(pk=run.pk).update(
                    state=SyncRun.State.FAILED,
                    finished_at=clock.now(),
                    error_code=error.code if isinstance(error, jobs.JobNotRunning) else "not_stored",
                    error=type(error).__name__,
                )
                raise
        # Others may sync from this provider while another one is asked to confirm.
        if parameters.cross_check:
            _cross_check(run, parameters.limit, listings, [other for other in candidates if other is not provider])
        return run
    return _fail(run, failures)


@contextmanager
def _alone(provider: Provider, limit: int) -> Iterator[bool]:
    """Whether this process is the only one that syncs from the provider; a lost process loses its lock, too.

    A sync that fetches fewer assets than `limit` is waited for, as long as the database waits for locks: whoever wants
    them all must not be put off with a part.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('market sync'), hashtext(%s))", [provider.name])
        is_alone = bool(cursor.fetchone()[0])
        if (
            not is_alone
            and SyncRun.objects.running().of_quotes().filter(provider=provider.name, limit__lt=limit).exists()
        ):
            try:
                cursor.execute("SELECT pg_advisory_lock(hashtext('market sync'), hashtext(%s))", [provider.name])
                is_alone = True
            except OperationalError:
                log.warning("sync.waited_in_vain", provider=provider.name)
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('market sync'), hashtext(%s))", [provider.name])


def _fetch(
    provider: Provider, limit: int, failures: list[tuple[str, str, str]], on_progress: Callable[[int], None]
) -> Listings:
    """Every page that came; raises the provider's error when not even the first one did."""
    answers: list[RawAnswer] = []
    pages: list[Listings] = []
    received = 0
    try:
        for answer, page in provider.listings(limit, clock.now()):
            answers.append(answer)
            pages.append(page)
            received += page.rows_in
            on_progress(min(80, 80 * received // limit))
    except ProviderError as error:
        provider_states.failed(provider.name, error, at=clock.now())
        log.warning("sync.provider_failed", provider=provider.name, code=error.code, pages=len(pages))
        if not pages:
            raise
        # Good pages are kept; the run tells that it is not whole.
        failures.append((provider.name, error.code, str(error)))
    else:
        provider_states.succeeded(provider.name, at=clock.now())
    finally:
        raw_answers.keep(*answers)
    return Listings.concat(pages)


@transaction.atomic
def _store(
    run: SyncRun,
    provider: Provider,
    listings: Listings,
    failures: list[tuple[str, str, str]],
    on_progress: Callable[[int], None],
) -> None:
    # In the transaction, so that a job that was cancelled or given to another worker stores nothing.
    on_progress(90)
    stored: StoredQuotes = quotes.store(
        listings, provider=provider.name, is_simulated=provider.is_simulated, run=run, at=clock.now()
    )
    run.received = listings.rows_in
    run.inserted, run.updated = stored.inserted, stored.updated
    run.unchanged, run.quarantined = stored.unchanged, stored.quarantined
    run.error = "\n".join(text for _, _, text in failures)
    is_partial = any(name == provider.name for name, _, _ in failures)
    run.state = SyncRun.State.FAILED if is_partial else SyncRun.State.SUCCEEDED
    run.error_code = "partial" if is_partial else ""
    run.finished_at = clock.now()
    run.save()
    log.info("sync.stored", provider=provider.name, run=run.pk, received=run.received, **asdict(stored))


def _fail(run: SyncRun, failures: list[tuple[str, str, str]]) -> SyncRun:
    run.state = SyncRun.State.FAILED
    run.finished_at = clock.now()
    run.error_code = failures[-1][1] if failures else "provider_busy"
    run.error = "\n".join(text for _, _, text in failures) or "Every provider is being asked by somebody else."
    run.save()
    log.error("sync.failed", run=run.pk, code=run.error_code, providers=[name for name, _, _ in failures])
    return run


def _cross_check(run: SyncRun, limit: int, listings: Listings, others: list[Provider]) -> None:
    """Ask the next provider that answers and keep what it disagrees on; that nobody answers fails nothing."""
    for other in others:
        try:
            pages = [page for _, page in other.listings(limit, clock.now())]
        except ProviderError as error:
            provider_states.failed(other.name, error, at=clock.now())
            log.warning("sync.cross_check_failed", provider=other.name, error=str(error))
            continue
        provider_states.succeeded(other.name, at=clock.now())
        found = divergences.record(run, listings, Listings.concat(pages), other=other.name, at=clock.now())
        log.info("sync.cross_checked", run=run.pk, provider=other.name, divergences=found)
        return
