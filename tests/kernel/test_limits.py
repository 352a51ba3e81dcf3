import multiprocessing
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
import redis
import time_machine
from django.core.cache import caches
from django.test import RequestFactory
from prometheus_client import REGISTRY

from config.kernel import counters as counters_module
from config.kernel import limits
from config.kernel.errors import RateLimited, ServiceUnavailable
from config.settings.variables import Limits

AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def fresh(counters):
    """No counts, in a window that does not end in the middle of a test."""
    with time_machine.travel(datetime(2026, 3, 12, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def redis_away(settings):
    """Counters on a server that refuses connections."""
    settings.CACHES = {**settings.CACHES, "counters": {**settings.CACHES["counters"], "LOCATION": AWAY}}
    counters_module.server.cache_clear()
    yield
    counters_module.server.cache_clear()


def request(address="203.0.113.9", **headers):
    return RequestFactory().get("/api/x", REMOTE_ADDR=address, headers=headers)


def test_the_real_quota_lets_sixty_through(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = Limits.model_fields["rate_limit_per_minute"].default

    statuses = [api.get("/api/open").status_code for _ in range(62)]

    assert statuses == [200] * 60 + [429] * 2


def test_a_refusal_says_which_limit_and_for_how_long(api, settings):
    settings.SYNC_RATE_LIMIT_PER_MINUTE = 1
    api.post("/api/sync")

    response = api.post("/api/sync")

    details = response.json()["error"]["details"]
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "rate_limited"
    assert details["scope"] == "sync"
    assert 1 <= details["retry_after"] <= 60
    assert response["Retry-After"] == str(details["retry_after"])


def test_scopes_are_counted_apart(api, settings):
    settings.SYNC_RATE_LIMIT_PER_MINUTE = 1
    api.post("/api/sync")

    assert api.post("/api/sync").status_code == 429
    assert api.get("/api/open").status_code == 200


def test_headers_tell_where_the_caller_stands(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 60
    api.get("/api/open")

    response = api.get("/api/open")

    assert response["RateLimit-Policy"] == '"default";q=60;w=60'
    assert re.fullmatch(r'"default";r=58;t=\d+', response["RateLimit"])
    assert response["X-RateLimit-Limit"] == "60"
    assert response["X-RateLimit-Remaining"] == "58"
    assert response["X-RateLimit-Reset"].isdigit()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/open"),
        ("get", "/api/nowhere"),
        ("delete", "/api/open"),
        ("get", "/api/closed"),
        ("get", "/api/open?x=1"),
        ("get", "/api/failing/accident"),
        ("get", "/api/plain/accident"),
        ("options", "/api/open"),
        ("get", "/api/limits"),
        ("get", "/api/fast"),
        ("get", "/api/a%00b"),
    ],
)
def test_every_answer_below_the_api_has_the_headers(api, method, path):
    response = getattr(api, method)(path)

    assert response["RateLimit"].startswith('"default";r=')
    assert "X-RateLimit-Remaining" in response


def test_a_browsers_preflight_is_measured_and_not_counted(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 60
    origin = {"origin": "http://localhost:3000", "access-control-request-method": "GET"}

    for _ in range(3):
        response = api.options("/api/open", headers=origin)

    assert response["X-RateLimit-Remaining"] == "60"


def test_pages_have_no_limit(api):
    assert "RateLimit" not in api.get("/page/not-found")


def remaining(api, **headers):
    return {entry["scope"]: entry["remaining"] for entry in api.get("/api/limits", headers=headers).json()["limits"]}


@pytest.mark.parametrize("path", ["/api/nowhere", "/api/closed", "/api/open?x=1", "/api/fast?x=1", "/api/plain/denied"])
def test_a_refused_request_counts_as_well(api, settings, path):
    settings.RATE_LIMIT_PER_MINUTE = 60
    api.get(path)

    assert remaining(api)["default"] == 59


def test_a_wrong_token_counts_against_its_address(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 60
    for path in ("/api/closed", "/api/fast"):
        assert api.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401

    assert remaining(api)["default"] == 58


def test_asking_for_the_limits_is_free_and_exact(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 60
    api.get("/api/open")
    api.post("/api/sync")

    answers = [api.get("/api/limits").json()["limits"] for _ in range(3)]

    for answer in answers:
        assert [
            {name: entry[name] for name in ("scope", "limit", "remaining", "window_seconds")} for entry in answer
        ] == [
            {"scope": "default", "limit": 60, "remaining": 59, "window_seconds": 60},
            {"scope": "sync", "limit": 10, "remaining": 9, "window_seconds": 60},
            {"scope": "login", "limit": 5, "remaining": 5, "window_seconds": 900},
            {"scope": "signup", "limit": 10, "remaining": 10, "window_seconds": 3_600},
        ]


def test_the_limits_are_in_the_headers_too(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 60

    response = api.get("/api/limits")

    policy = '"default";q=60;w=60, "sync";q=10;w=60, "login";q=5;w=900, "signup";q=10;w=3600'
    assert response["RateLimit-Policy"] == policy
    assert response["X-RateLimit-Limit"] == "60"


@pytest.mark.parametrize(("path", "held"), [("/api/fast", 'W/"v1"'), ("/api/sometimes", '"held"')])
def test_an_unchanged_answer_is_free(api, settings, path, held):
    settings.RATE_LIMIT_PER_MINUTE = 60

    statuses = {api.get(path, headers={"if-none-match": held}).status_code for _ in range(3)}

    assert statuses == {304}
    assert remaining(api)["default"] == 60


@pytest.mark.parametrize(("path", "held"), [("/api/fast", 'W/"v1"'), ("/api/sometimes", '"held"')])
def test_who_has_nothing_left_does_not_even_get_what_is_unchanged(api, settings, path, held):
    settings.RATE_LIMIT_PER_MINUTE = 1
    api.get("/api/open")

    assert api.get(path, headers={"if-none-match": held}).status_code == 429


@pytest.mark.parametrize("path", ["/api/fast", "/api/sometimes"])
def test_a_changed_answer_counts(api, settings, path):
    settings.RATE_LIMIT_PER_MINUTE = 60

    assert api.get(path, headers={"if-none-match": '"old"'}).status_code == 200

    assert remaining(api)["default"] == 59


@pytest.mark.parametrize("path", ["/api/fast", "/api/sometimes"])
def test_a_condition_does_not_get_anybody_past_the_limit(api, settings, path):
    settings.RATE_LIMIT_PER_MINUTE = 2

    statuses = [api.get(path, headers={"if-none-match": '"old"'}).status_code for _ in range(4)]

    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize("path", ["/api/fast", "/api/closed"])
@pytest.mark.parametrize("headers", [{"authorization": "Bearer wrong"}, {"authorization": "Bearer 1"}])
def test_a_condition_makes_no_refusal_free(api, settings, path, headers):
    settings.RATE_LIMIT_PER_MINUTE = 60
    api.get(f"{path}?x=1", headers={"if-none-match": '"old"', **headers})

    assert min(remaining(api)["default"], remaining(api, authorization="Bearer 1")["default"]) == 59


@pytest.mark.parametrize("path", ["/api/fast", "/api/sometimes"])
def test_a_burst_of_conditions_passes_exactly_the_quota(api, settings, monkeypatch, path):
    settings.RATE_LIMIT_PER_MINUTE = 3
    all_admitted, defer = threading.Barrier(8), limits.defer

    def defer_together(*arguments):
        defer(*arguments)
        all_admitted.wait(30)

    monkeypatch.setattr(limits, "defer", defer_together)

    with ThreadPoolExecutor(8) as pool:
        statuses = pool.map(lambda _: api.get(path, headers={"if-none-match": '"old"'}).status_code, range(8))

    assert sorted(statuses) == [200] * 3 + [429] * 5


def test_people_have_buckets_of_their_own(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 1
    ann, bob = {"authorization": "Bearer 1"}, {"authorization": "Bearer 2"}

    assert [api.get("/api/closed", headers=who).status_code for who in (ann, bob, ann)] == [200, 200, 429]
    assert api.get("/api/open").status_code == 200


def test_a_key_replaces_the_caller(settings):
    settings.LOGIN_ATTEMPTS = 1
    limits.charge(request("203.0.113.1"), limits.LOGIN, key="account:ann")

    with pytest.raises(RateLimited):
        limits.charge(request("203.0.113.2"), limits.LOGIN, key="account:ann")
    assert limits.charge(request("203.0.113.2"), limits.LOGIN, key="account:bob").remaining == 0


def test_a_burst_of_threads_passes_exactly_the_quota(settings):
    settings.RATE_LIMIT_PER_MINUTE = 40
    start = threading.Barrier(16)

    def knock(_):
        start.wait()
        return sum(passes() for _ in range(10))

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(knock, range(16))) == 40


def passes():
    try:
        limits.charge(request(), limits.DEFAULT)
    except RateLimited:
        return False
    return True


def _knock_in_a_process(start, quota, results):
    from django.conf import settings

    settings.RATE_LIMIT_PER_MINUTE = quota
    start.wait()
    # Together they try 1.6 times the quota.
    results.put(sum(passes() for _ in range(quota * 2 // 5)))


def test_a_burst_of_processes_passes_exactly_the_quota():
    quota = 40
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(4), context.Queue()
    people = [context.Process(target=_knock_in_a_process, args=(start, quota, results)) for _ in range(4)]
    for person in people:
        person.start()
    passed = sum(results.get(timeout=60) for _ in people)
    for person in people:
        person.join()

    assert passed == quota


def errors_counted():
    return REGISTRY.get_sample_value("ratelimit_backend_errors_total", {"scope": "default"}) or 0


def test_reads_go_on_without_redis_and_are_measured(api, settings, redis_away):
    settings.RATE_LIMIT_PER_MINUTE = 60
    before = errors_counted()

    response = api.get("/api/open")

    assert response.status_code == 200
    assert response["RateLimit-Policy"] == '"default";q=60;w=60'
    assert "RateLimit" not in response
    assert errors_counted() == before + 1


def test_signing_in_stops_without_redis(api, redis_away):
    response = api.post("/api/login")

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["error"]["code"] == "service_unavailable"


def test_limits_without_redis_are_unknown(api, redis_away):
    assert remaining(api) == {"default": None, "sync": None, "login": None, "signup": None}


def test_an_absent_server_is_asked_once_in_a_while_only(redis_away, monkeypatch):
    attempts = Mock(side_effect=ConnectionRefusedError)
    monkeypatch.setattr(counters_module.server(AWAY), "_over", attempts)

    for _ in range(5):
        with pytest.raises(counters_module.CountersUnavailable):
            caches["counters"].add("k", 1)

    assert attempts.call_count == 1


def test_a_server_that_came_back_is_asked_again(redis_away, monkeypatch):
    monkeypatch.setattr(counters_module, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(counters_module.server(AWAY), "_over", Mock(side_effect=[ConnectionRefusedError, b"7"]))
    with pytest.raises(counters_module.CountersUnavailable):
        caches["counters"].add("k", 0)

    caches["counters"].add("k", 0)

    assert caches["counters"].get("k") == 7


def test_counting_survives_a_server_that_forgot_its_scripts(settings):
    settings.RATE_LIMIT_PER_MINUTE = 60
    limits.charge(request(), limits.DEFAULT)
    counters_module.server(settings.CACHES["counters"]["LOCATION"]).client.script_flush()

    assert limits.charge(request(), limits.DEFAULT).used == 2


def test_counting_survives_a_server_that_has_closed_the_connection(settings):
    settings.RATE_LIMIT_PER_MINUTE = 60
    limits.charge(request(), limits.DEFAULT)
    server = counters_module.server(settings.CACHES["counters"]["LOCATION"])
    server.client.client_kill_filter(_id=str(server.ask("CLIENT", "ID")))

    assert limits.charge(request(), limits.DEFAULT).used == 2


def test_an_answer_that_nobody_has_read_is_not_taken_for_the_next(settings, monkeypatch):
    settings.RATE_LIMIT_PER_MINUTE = 60
    limits.charge(request(), limits.DEFAULT)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(redis.Connection, "read_response", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            limits.charge(request(), limits.DEFAULT)

    # Counted by the server, though its answer was lost.
    assert limits.charge(request(), limits.DEFAULT).used == 3


def test_no_counter_outlives_its_window(counters, settings):
    settings.RATE_LIMIT_PER_MINUTE = 60
    for _ in range(2):
        limits.charge(request(), limits.DEFAULT)

    client = counters_module.server(settings.CACHES["counters"]["LOCATION"]).client
    (name,) = client.keys("limit:*")
    assert 0 < client.ttl(name) <= 65


def test_the_cache_answers_only_what_it_has_just_learned(counters):
    with pytest.raises(LookupError):
        counters.get("never-added")


def test_service_unavailable_names_the_scope(redis_away):
    with pytest.raises(ServiceUnavailable) as refused:
        limits.charge(request(), limits.LOGIN)

    assert refused.value.details == {"scope": "login"}
