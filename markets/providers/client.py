"""The one way in which providers are called over HTTP."""

import ipaddress
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom
from typing import Protocol, cast

import httpcore
import httpx
import stamina
import structlog

from config.kernel.outbound import ForbiddenDestination
from markets.providers.answers import refuse_errors
from markets.providers.breaker import Breaker
from markets.providers.budget import Budget
from markets.providers.errors import (
    BadRequest,
    BudgetExhausted,
    CircuitOpen,
    Malformed,
    ProviderError,
    RateLimited,
    TooLarge,
    Unavailable,
)
from markets.providers.provider import RawAnswer
from markets.providers.transport import DeadlineTransport, deadline

log = structlog.get_logger(__name__)

MEGABYTE = 1 << 20
_CHUNK = 1 << 16
_FAILURES_OF_TRANSPORT = (
    httpx.TransportError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    OSError,
)
_random = SystemRandom()


class Refuse(Protocol):
    """Raises the `ProviderError` that an answer tells of; returns where it is what was asked for."""

    def __call__(
        self, provider: str, status: int, body: bytes, *, content_type: str, retry_after: float | None
    ) -> None: ...


class Client:
    """Asks one provider with GET: within a deadline, a byte cap, a budget and a circuit breaker.

    A call is repeated on limits, 5xx and broken connections only, after the time that the provider asks for or
    else after a growing, jittered pause. Redirects are refused. Keys travel in `headers` and appear nowhere else.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        *,
        budget: Budget,
        breaker: Breaker,
        headers: Mapping[str, str] | None = None,
        user_agent: str = "market-data-client/1.0",
        accept: str = "application/json",
        refuse: Refuse = refuse_errors,
        is_secure: bool = True,
        deadline_seconds: float = 20.0,
        byte_cap: int = 32 * MEGABYTE,
        attempts: int = 3,
        longest_wait: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`deadline_seconds` is for one attempt; `longest_wait` bounds each wait for the budget or a limit.

        `refuse` tells an answer from an error, for what `accept` asks for. Without `is_secure`, plain http will do:
        only for what is public and sent no key.
        """
        self.provider = provider
        self._refuse = refuse
        self._budget = budget
        self._breaker = breaker
        self._secrets = tuple(headers.values()) if headers else ()
        self._deadline = deadline_seconds
        self._byte_cap = byte_cap
        self._attempts = attempts
        self._longest_wait = longest_wait
        self._sleep = sleep
        self._now = now
        self._http = httpx.Client(
            base_url=_checked(base_url) if is_secure or headers else base_url,
            headers={
                "User-Agent": user_agent,
                "Accept": accept,
                "Accept-Encoding": "gzip",  # the one encoding that is unpacked under the byte cap
                **(headers or {}),
            },
            follow_redirects=False,
            timeout=httpx.Timeout(deadline_seconds, connect=min(5.0, deadline_seconds)),
            transport=transport or DeadlineTransport(),
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> RawAnswer:
        """The answer, known not to be an error. Raises a `ProviderError` otherwise."""
        for attempt in stamina.retry_context(
            on=self._pause_before_retry, attempts=self._attempts, timeout=None, wait_initial=0.5, wait_max=10.0
        ):
            with attempt:
                return self._attempt(path, parameters or {})
        raise AssertionError("the loop returns or raises")

    def _pause_before_retry(self, error: Exception) -> bool | float:
        if isinstance(error, RateLimited) and error.retry_after is not None:
            if error.retry_after > self._longest_wait:
                return False
            return error.retry_after + _random.uniform(0.1, 1.0)  # so that not all workers come back at once
        return isinstance(error, RateLimited | Unavailable)

    def _attempt(self, path: str, parameters: Mapping[str, str]) -> RawAnswer:
        self._ask_breaker(self._breaker.remaining())
        self._spend()
        self._ask_breaker(self._breaker.admit())
        started = time.monotonic()
        outcome: RawAnswer | ProviderError
        try:
            with deadline(self._deadline):
                outcome = self._send(path, parameters)
        except ProviderError as error:
            outcome = self._redacted(error)
        except ForbiddenDestination as error:
            outcome = BadRequest(self.provider, str(error))
        except _FAILURES_OF_TRANSPORT as error:
            outcome = Unavailable(self.provider, f"{path}: {type(error).__name__}")
        # Raised outside of the handler: the original error holds the request and thereby the key.
        seconds = round(time.monotonic() - started, 3)
        if isinstance(outcome, RawAnswer):
            self._breaker.succeeded()
            log.info("provider.answered", provider=self.provider, path=path, seconds=seconds, bytes=len(outcome.body))
            return outcome
        log.warning("provider.failed", provider=self.provider, path=path, seconds=seconds, code=outcome.code)
        if isinstance(outcome, Unavailable | Malformed | TooLarge):
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        if isinstance(outcome, RateLimited) and outcome.retry_after is not None:
            self._budget.pause(outcome.retry_after)
        raise outcome

    def _ask_breaker(self, wait: float) -> None:
        if wait > 0:
            raise CircuitOpen(self.provider, "left alone after repeated failures", retry_after=wait)

    def _spend(self) -> None:
        waited = 0.0
        while (wait := self._budget.take()) > 0:
            if waited + wait > self._longest_wait:
                raise BudgetExhausted(self.provider, "the call budget is used up", retry_after=wait)
            self._sleep(wait)
            waited += wait

    def _send(self, path: str, parameters: Mapping[str, str]) -> RawAnswer:
        with self._http.stream("GET", path, params=dict(parameters) or None) as response:
            body = b"".join(self._unpacked(response))
            content_type = response.headers.get("content-type", "")
            status = response.status_code
            retry_after = _seconds(response.headers.get("retry-after"), self._now())
            endpoint = response.request.url.raw_path.decode("ascii")
        self._refuse(self.provider, status, body, content_type=content_type, retry_after=retry_after)
        return RawAnswer(self.provider, endpoint, status, content_type, body, self._now())

    def _redacted(self, error: ProviderError) -> ProviderError:
        """The error without our key, should the provider have repeated it."""
        detail = error.detail
        for secret in self._secrets:
            detail = detail.replace(secret, "***")
        return type(error)(self.provider, detail, status=error.status, retry_after=error.retry_after)

    def _unpacked(self, response: httpx.Response) -> Iterator[bytes]:
        """The body in pieces, decompressed; never more of it in memory than the cap and one piece."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("gzip", "identity", ""):
            raise Malformed(self.provider, f"content encoding {encoding} was not asked for")
        inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        total = 0
        for chunk in cast("Iterable[bytes]", response.stream):  # not `iter_bytes`: that unpacks without a bound
            packed = chunk
            while packed:
                if inflate is None:
                    piece, packed = packed, b""
                else:
                    try:
                        piece = inflate.decompress(packed, _CHUNK)
                    except zlib.error:
                        raise Malformed(self.provider, "the compressed body is damaged") from None
                    packed = inflate.unconsumed_tail
                total += len(piece)
                if total > self._byte_cap:
                    raise TooLarge(self.provider, f"the answer is over {self._byte_cap} bytes")
                yield piece
        if inflate is not None:
            yield inflate.flush()  # at most what was left of the last match, a few hundred bytes
            if inflate.eof:
                return
            raise Malformed(self.provider, "the compressed body ends too early")


def _checked(base_url: str) -> str:
    """The URL if it is safe to send a key to: https, or this machine in tests. `ValueError` otherwise."""
    url = httpx.URL(base_url)
    if url.userinfo:
        raise ValueError("the base URL of a provider must not hold a user or a password")
    if url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host)):
        return base_url
    raise ValueError("the base URL of a provider must be https")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """`Retry-After` as seconds from now: a number, or an HTTP date. None where it says nothing of use."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment - now).total_seconds()) if moment.tzinfo else None
