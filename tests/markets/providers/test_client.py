import gzip
import socket
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore
import httpx
import pytest

from markets.providers.breaker import Breaker
from markets.providers.budget import Budget, Quota
from markets.providers.client import Client
from markets.providers.errors import (
    BadRequest,
    BudgetExhausted,
    CircuitOpen,
    Malformed,
    NotFound,
    ProviderError,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from markets.providers.store import MemoryStore
from markets.providers.transport import DeadlineTransport, deadline

KEY = "secret-key-0123456789"
JSON = {"Content-Type": "application/json"}
LIMIT = b'{"status":{"error_code":429,"error_message":"limit"}}'
Reply = tuple[int, dict[str, str], bytes]


class Peer:
    """A provider on loopback: gives the replies in turn, the last one for ever, and keeps the requests."""

    def __init__(self) -> None:
        self.replies: list[Reply | Callable[[Any], None]] = [(200, JSON, b"[]")]
        self.requests: list[tuple[str, dict[str, str]]] = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                peer.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                reply = peer.replies.pop(0) if len(peer.replies) > 1 else peer.replies[0]
                if callable(reply):
                    reply(self)
                    return
                status, headers, body = reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api"


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    thread = threading.Thread(target=peer.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield peer
    peer.server.shutdown()
    thread.join()
    peer.server.server_close()


@pytest.fixture
def make(peer, clock) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def client(*, quota: Quota | None = None, threshold: int = 5, **options: Any) -> Client:
        store = options.pop("store", MemoryStore())
        clients.append(
            Client(
                "gecko",
                options.pop("base_url", peer.url),
                budget=Budget("gecko", [quota or Quota(3000, 60)], store, clock=clock),
                breaker=Breaker("gecko", store, threshold=threshold, clock=clock),
                headers={"x-key": KEY},
                sleep=clock.sleep,
                now=clock.now,
                **options,
            )
        )
        return clients[-1]

    yield client
    for made in clients:
        made.close()


def test_an_answer_comes_back_as_it_is(peer, make, clock) -> None:
    peer.replies = [(200, {"Content-Type": "application/json; charset=utf-8"}, b'[{"id": 1}]')]

    answer = make(user_agent="product/2").get("/coins", {"page": "1"})

    assert (answer.provider, answer.endpoint, answer.status) == ("gecko", "/api/coins?page=1", 200)
    assert (answer.body, answer.content_type) == (b'[{"id": 1}]', "application/json; charset=utf-8")
    assert answer.received_at == clock.now()
    path, headers = peer.requests[0]
    assert path == "/api/coins?page=1"
    assert (headers["x-key"], headers["user-agent"], headers["accept-encoding"]) == (KEY, "product/2", "gzip")


def test_compressed_answers_are_unpacked(peer, make) -> None:
    body = b"[" + b"1," * 100_000 + b"1]"
    peer.replies = [(200, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(body))]

    assert make().get("/coins").body == body


def test_a_gzip_bomb_stops_at_the_cap(peer, make) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(200)) + packer.flush()
    peer.replies = [(200, {**JSON, "Content-Encoding": "gzip"}, bomb)]

    with pytest.raises(TooLarge, match="over 1000000 bytes"):
        make(byte_cap=1_000_000).get("/coins")

    assert len(bomb) < 300_000
    assert len(peer.requests) == 1


def test_the_cap_itself_is_allowed_and_one_byte_more_is_not(peer, make) -> None:
    peer.replies = [(200, JSON, b"[" + b" " * 998 + b"]"), (200, JSON, b"[" + b" " * 999 + b"]")]
    client = make(byte_cap=1000)

    assert len(client.get("/coins").body) == 1000
    with pytest.raises(TooLarge):
        client.get("/coins")


@pytest.mark.parametrize(
    ("encoding", "body", "detail"),
    [
        ("br", b"[]", "content encoding br was not asked for"),
        ("gzip", b"[]", "the compressed body is damaged"),
        ("gzip", gzip.compress(b"[]" * 1000, mtime=0)[:-6], "the compressed body ends too early"),
    ],
)
def test_an_encoding_that_cannot_be_unpacked_is_malformed(peer, make, encoding: str, body: bytes, detail: str) -> None:
    peer.replies = [(200, {**JSON, "Content-Encoding": encoding}, body)]

    with pytest.raises(Malformed, match=detail):
        make().get("/coins")


def test_redirects_are_not_followed(peer, make) -> None:
    peer.replies = [(302, {"Location": peer.url + "/elsewhere"}, b"")]

    with pytest.raises(Malformed, match="HTTP status 302"):
        make().get("/coins")

    assert [path for path, _ in peer.requests] == ["/api/coins"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b'{"error":"coin not found"}', NotFound),
        (401, b'{"status":{"error_code":10002,"error_message":"key"}}', Unauthorized),
        (422, b'{"error":"Missing parameter ids"}', BadRequest),
    ],
)
def test_what_asking_again_cannot_help_is_asked_once_and_is_no_outage(
    peer, make, status: int, body: bytes, error: type[ProviderError]
) -> None:
    peer.replies = [(status, JSON, body)]
    client = make(threshold=1)

    for _ in range(2):
        with pytest.raises(error):
            client.get("/coins")

    assert len(peer.requests) == 2


@pytest.mark.parametrize("status", [429, 200, 403])
def test_a_limit_is_repeated_after_the_time_the_provider_asks_for(peer, make, clock, status: int) -> None:
    peer.replies = [(status, {**JSON, "Retry-After": "7"}, LIMIT), (200, JSON, b"[1]")]

    assert make().get("/coins").body == b"[1]"

    assert len(peer.requests) == 2
    assert 7.1 <= clock.slept[0] <= 8.0
    assert len(clock.slept) == 1


def test_retry_after_may_be_a_date(peer, make, clock) -> None:
    moment = datetime.fromtimestamp(clock() + 9, tz=UTC)
    peer.replies = [(429, {**JSON, "Retry-After": format_datetime(moment, usegmt=True)}, LIMIT), (200, JSON, b"[]")]

    make().get("/coins")

    assert 9.1 <= clock.slept[0] <= 10.0


@pytest.mark.parametrize("value", ["", "soon", "-5", "1e3", "9" * 40, "Wed, 21 Oct 2026 07:28:00"])
def test_a_limit_without_a_usable_retry_after_is_repeated_after_growing_pauses(peer, make, clock, value: str) -> None:
    peer.replies = [(429, {**JSON, "Retry-After": value}, LIMIT)]

    with pytest.raises(RateLimited) as refusal:
        make(attempts=3).get("/coins")

    assert refusal.value.retry_after is None
    assert len(peer.requests) == 3
    assert [0.5 <= clock.slept[0] <= 1.5, 1.0 <= clock.slept[1] <= 2.0] == [True, True]


def test_a_long_retry_after_is_not_waited_for_and_stops_all_calls_until_then(peer, make, clock) -> None:
    peer.replies = [(429, {**JSON, "Retry-After": "600"}, LIMIT)]
    store = MemoryStore()

    with pytest.raises(RateLimited) as refusal:
        make(store=store).get("/coins")
    with pytest.raises(BudgetExhausted) as exhausted:
        make(store=store).get("/coins")

    assert (refusal.value.retry_after, exhausted.value.retry_after) == (600.0, 600.0)
    assert (len(peer.requests), clock.slept) == (1, [])


def test_server_errors_are_repeated_with_jitter_and_then_reported(peer, make, clock) -> None:
    peer.replies = [(503, {}, b"<html>"), (200, JSON, b"[]")]
    assert make().get("/coins").body == b"[]"

    peer.replies = [(500, JSON, b"{}")]
    with pytest.raises(Unavailable) as refusal:
        make(attempts=2).get("/coins")

    assert refusal.value.status == 500
    assert len(peer.requests) == 4


def test_a_refused_connection_is_unavailable(make) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(Unavailable, match="ConnectError"):
            make(base_url=url, attempts=2).get("/coins")


def test_a_connection_closed_within_the_body_is_unavailable(peer, make) -> None:
    def break_off(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"[")
        handler.close_connection = True

    peer.replies = [break_off]

    with pytest.raises(Unavailable, match="RemoteProtocolError"):
        make(attempts=1).get("/coins")


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_peer_that_drips_bytes_is_given_up_at_the_deadline(peer, make, part: str) -> None:
    """Every byte comes well within any time-out per read: only a deadline for the whole ends this."""
    given_up = threading.Event()

    def drip(handler: Any) -> None:
        start = b"HTTP/1.1 200 OK\r\n"
        handler.wfile.write(start + (b"X-Padding: " if part == "headers" else b"Content-Length: 100000\r\n\r\n"))
        try:
            while not given_up.wait(0.02):
                handler.wfile.write(b"x")
        except OSError:
            handler.close_connection = True

    peer.replies = [drip]
    client = make(attempts=1, deadline_seconds=0.3)
    try:
        with pytest.raises(Unavailable, match="ReadTimeout"):
            client.get("/coins")
    finally:
        given_up.set()


def test_nothing_is_sent_after_the_deadline(peer) -> None:
    with (
        httpx.Client(transport=DeadlineTransport()) as http,
        deadline(0.0),
        pytest.raises(httpcore.ConnectTimeout),
    ):
        http.get(peer.url)

    assert peer.requests == []


def test_without_a_deadline_the_time_outs_of_the_call_hold(peer) -> None:
    with httpx.Client(transport=DeadlineTransport()) as http:
        assert http.get(peer.url, timeout=5).content == b"[]"


def test_a_peer_without_tls_is_unavailable_over_https(peer, make) -> None:
    with pytest.raises(Unavailable, match="ConnectError"):
        make(attempts=1, base_url=peer.url.replace("http:", "https:")).get("/coins")

    assert peer.requests == []


def test_the_budget_counts_failures_too_and_refuses_without_sending(peer, make, clock) -> None:
    peer.replies = [(404, JSON, b'{"error":"coin not found"}')]
    client = make(quota=Quota(4, 3600, burst=2))

    for _ in range(2):
        with pytest.raises(NotFound):
            client.get("/coins")
    with pytest.raises(BudgetExhausted) as refusal:
        client.get("/coins")

    assert refusal.value.retry_after == pytest.approx(1800)
    assert (len(peer.requests), clock.slept) == (2, [])


def test_a_short_wait_for_the_budget_is_waited(peer, make, clock) -> None:
    client = make(quota=Quota(30, 60, burst=1))

    for _ in range(3):
        client.get("/coins")

    assert clock.slept == pytest.approx([60 / 29] * 2)
    assert len(peer.requests) == 3


def test_the_circuit_opens_lets_one_probe_through_and_closes_on_success(peer, make, clock) -> None:
    peer.replies = [(500, JSON, b"{}")]
    client = make(threshold=2, attempts=1)
    for _ in range(2):
        with pytest.raises(Unavailable):
            client.get("/coins")

    with pytest.raises(CircuitOpen) as refusal:
        client.get("/coins")
    assert (refusal.value.retry_after, len(peer.requests)) == (60.0, 2)

    clock.sleep(60)
    with pytest.raises(Unavailable):
        client.get("/coins")
    with pytest.raises(CircuitOpen):
        client.get("/coins")

    clock.sleep(60)
    peer.replies = [(200, JSON, b"[]")]
    client.get("/coins")
    client.get("/coins")
    assert len(peer.requests) == 5


def test_html_with_status_200_is_malformed_and_counts_as_an_outage(peer, make) -> None:
    peer.replies = [(200, {"Content-Type": "text/html"}, b"<html>")]
    client = make(threshold=1)

    with pytest.raises(Malformed):
        client.get("/coins")
    with pytest.raises(CircuitOpen):
        client.get("/coins")


@pytest.mark.parametrize(
    "reply",
    [
        (401, JSON, f'{{"status":{{"error_code":10002,"error_message":"the key {KEY} is wrong"}}}}'.encode()),
        (500, JSON, f'{{"error":"{KEY}"}}'.encode()),
        (200, {**JSON, "Content-Encoding": "gzip"}, b"x"),
    ],
)
def test_the_key_is_in_no_error_and_in_no_log(peer, make, reply: Reply, caplog, capsys) -> None:
    peer.replies = [reply]
    caplog.set_level("DEBUG")

    with pytest.raises(ProviderError) as refusal:
        make(attempts=2).get("/coins")

    error: BaseException | None = refusal.value
    while error is not None:
        assert KEY not in repr(error)
        assert not hasattr(error, "request")
        error = error.__cause__ or error.__context__
    assert KEY not in "".join(traceback.format_exception(refusal.value))
    output = capsys.readouterr()
    assert KEY not in caplog.text + output.out + output.err
    assert KEY not in peer.requests[0][0]


@pytest.mark.parametrize(
    "url", ["http://api.example/v3", "ftp://127.0.0.1/", "https://user:word@api.example", "http://8.8.8.8/"]
)
def test_a_base_url_that_would_give_the_key_away_is_refused(make, url: str) -> None:
    with pytest.raises(ValueError, match="the base URL of a provider must"):
        make(base_url=url)


@pytest.mark.parametrize("url", ["https://api.example/v3", "http://localhost:1/", "http://[::1]:1/"])
def test_https_and_this_machine_are_allowed(make, url: str) -> None:
    assert make(base_url=url).provider == "gecko"
