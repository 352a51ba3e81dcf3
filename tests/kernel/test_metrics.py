import pytest
from prometheus_client import REGISTRY

RESPONSES = "django_http_responses_total_by_status_view_method_total"


def count(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("get", "/api/items/7", {"view": "item", "method": "GET", "status": "200"}),
        ("get", "/api/items/8?x=1", {"view": "item", "method": "GET", "status": "400"}),
        ("get", "/api/nowhere/7", {"view": "<unnamed view>", "method": "GET", "status": "404"}),
        ("post", "/api/open", {"view": "open", "method": "POST", "status": "400"}),
    ],
)
def test_requests_are_counted_by_route_and_never_by_path(api, method, path, labels):
    before = count(RESPONSES, **labels)

    getattr(api, method)(path, content_type="application/json")

    assert count(RESPONSES, **labels) == before + 1


def test_methods_that_do_not_exist_share_one_label(api):
    labels = {"view": "open", "method": "<invalid method>", "status": "405"}
    before = count(RESPONSES, **labels)

    for method in ("BREW", "WHEN"):
        api.generic(method, "/api/open")

    assert count(RESPONSES, **labels) == before + 2


def test_requests_are_timed(api):
    name = "django_http_requests_latency_seconds_by_view_method_count"
    whole = "django_http_requests_latency_including_middlewares_seconds_count"
    before, whole_before = count(name, view="item", method="GET"), count(whole)

    api.get("/api/items/7")

    assert count(name, view="item", method="GET") == before + 1
    assert count(whole) == whole_before + 1


def test_exceptions_of_views_are_counted_by_type(api):
    before = count("django_http_exceptions_total_by_type_total", type="RuntimeError")

    api.get("/api/plain/accident")

    assert count("django_http_exceptions_total_by_type_total", type="RuntimeError") == before + 1
    assert count("http_inflight_requests") == 0


def test_decisions_of_the_limits_are_counted(api, settings):
    settings.SYNC_RATE_LIMIT_PER_MINUTE = 1
    before = {
        decision: count("ratelimit_decisions_total", scope="sync", decision=decision)
        for decision in ("allowed", "refused")
    }

    api.post("/api/sync")
    api.post("/api/sync")

    for decision, value in before.items():
        assert count("ratelimit_decisions_total", scope="sync", decision=decision) == value + 1
