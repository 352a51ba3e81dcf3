import json
import logging
import logging.config
import subprocess
import sys

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from config.kernel import logs
from config.kernel.redaction import HIDDEN, MAX_TEXT, redact, scrub, shortened

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJlLW9mLXRoaXM"


@pytest.fixture
def lines(capfd):
    def read():
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    return read


def test_structlog_writes_one_json_object_per_line(lines):
    structlog.get_logger("shop").info("sale.made", amount=3)

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "sale.made", "logger": "shop", "level": "info", "amount": 3}


def test_the_standard_library_writes_the_same_shape(capsys):
    formatter = logs.JsonFormatter()
    record = logging.LogRecord("shop", logging.WARNING, __file__, 1, "sold %d to %s", (3, "ann@example.com"), None)

    with bound_contextvars(request_id="abc"):
        line = json.loads(formatter.format(record))

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "sold 3 to a***@example.com",
        "logger": "shop",
        "level": "warning",
        "request_id": "abc",
    }


def test_a_traceback_stays_within_its_line():
    try:
        raise ValueError("password=canary")
    except ValueError:
        record = logging.LogRecord("shop", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())

    written = logs.JsonFormatter().format(record)

    assert "\n" not in written
    assert "canary" not in json.loads(written)["exception"].replace('ValueError("password=canary")', "")


@pytest.mark.parametrize("separator", ["\r\n", "\u2028", "\u2029", "\x85", "\x1b[2J", "\x00", "\ud800"])
def test_nothing_can_end_a_line_early(capfd, separator):
    structlog.get_logger().info("event", user_agent=f"a{separator}b", nested={f"k{separator}": [separator]})

    written = capfd.readouterr().out
    assert written.count("\n") == 1
    assert len(written.splitlines()) == 1
    assert json.loads(written)["user_agent"].startswith("a")


def test_the_level_decides_what_is_written():
    script = (
        "import logging, logging.config, structlog\n"
        "from config.kernel.logs import logging_config\n"
        "logging.config.dictConfig(logging_config('WARNING'))\n"
        "structlog.get_logger('a').info('quiet'); structlog.get_logger('a').warning('loud')\n"
        "logging.getLogger('b').info('quiet'); logging.getLogger('b').warning('loud')\n"
    )
    written = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert [(line["logger"], line["event"]) for line in map(json.loads, written.splitlines())] == [
        ("a", "loud"),
        ("b", "loud"),
    ]


def test_a_plain_log_writes_the_same_shape(lines):
    logs.PlainLog("shop").info("sale.made", amount=3, buyer=None)

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "sale.made", "logger": "shop", "level": "info", "amount": 3, "buyer": None}


@pytest.mark.parametrize("separator", ["\r\n", "\u2028", "\u2029", "\x85", "\x1b[2J", "\x00"])
def test_nothing_can_end_a_plain_line_early(capfd, separator):
    logs.PlainLog("shop").info("event", path=f"a{separator}b")

    assert len(capfd.readouterr().out.splitlines()) == 1


def test_a_plain_log_is_quiet_above_its_level(lines, monkeypatch):
    monkeypatch.setattr(logs.PlainLog, "least_level", logging.WARNING)

    logs.PlainLog("shop").info("sale.made")

    assert lines() == []


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "Authorization",
        "X-CMC_PRO_API_KEY",
        "cookie",
        "Set-Cookie",
        "refresh_token",
        "access",
        "refresh",
        "token",
        "api_key",
        "otp",
        "client_secret",
    ],
)
def test_values_under_a_secret_name_are_hidden(name):
    assert redact({name: "canary", "inner": {name: ["canary"]}}) == {name: HIDDEN, "inner": {name: HIDDEN}}


@pytest.mark.parametrize("name", ["tokens_used", "primary_key", "accessed_at", "idempotency_key", "cookies_seen"])
def test_names_that_only_sound_alike_stay(name):
    assert redact({name: 5}) == {name: 5}


@pytest.mark.parametrize(
    "text",
    [
        f"GET /ws/?token={JWT}&x=1",
        "/reset?token=canary-7",
        "https://api.example/v1?api_key=canary&id=1",
        f"header Authorization: Bearer {JWT}",
        "Authorization: Api-Key canary",
        "Cookie: sessionid=canary; csrftoken=canary",
        "{'password': 'canary with spaces'}",
        '{"refresh": "canary"}',
        "postgresql://app:canary@db/app",
        "redis://:canary@queue:6379/0",
        "postgresql://app:can@ary@db/app",
        f"jwt {JWT}",
        "key CG-canary1234567890abcdef",
        "key Zx9canaryQwertyuiop1234567890ASDFG",
        "bearer canary123",
        "PASSWORD = canary",
    ],
)
def test_secrets_inside_a_text_are_hidden(text):
    cleaned = scrub(text)

    assert HIDDEN in cleaned
    assert "canary" not in cleaned
    assert JWT not in cleaned
    assert "ary@" not in cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("mail to ann.smith+x@mail.example.co.uk now", "mail to a***@mail.example.co.uk now"),
        ("<bob@example.com>,carol@example.org", "<b***@example.com>,c***@example.org"),
        ("user@localhost stays", "user@localhost stays"),
    ],
)
def test_mail_addresses_are_shortened(text, cleaned):
    assert scrub(text) == cleaned


@pytest.mark.parametrize(
    ("address", "shown"), [("ann@example.com", "a***@example.com"), ("user@localhost", "u***@localhost"), ("", "***@")]
)
def test_what_is_known_to_be_an_address_is_shortened_whatever_its_domain(address, shown):
    assert shortened(address) == shown


@pytest.mark.parametrize(
    "text",
    [
        "0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11",
        "/api/v1/tasks/0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11/status",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "ratelimit_backend_errors_total_and_a_long_name_2",
        "2024-03-01T12:00:00Z",
        "a perfectly ordinary sentence: nothing to see",
    ],
)
def test_what_operators_need_stays_readable(text):
    assert scrub(text) == text


def test_long_texts_are_cut():
    assert scrub("x " * 5_000_000) == "x " * (MAX_TEXT // 2) + "... (10000000 characters)"


def test_adversarial_texts_are_searched_in_linear_time():
    # Each of these makes a careless pattern try every split of a long run.
    for piece in ("a", "-", "a@", "a.", "://", "token", 'password="', "eyJ", "bearer ", "1aA"):
        assert scrub(piece * 40_000) is not None


def test_numbers_and_unknown_objects_are_written_somehow(lines):
    class Odd:
        def __str__(self) -> str:
            return "password=canary"

    structlog.get_logger().info(
        "event", odd=Odd(), many=(1, None, True), deep=[[[[[[[["x"]]]]]]]], not_a_number=float("nan")
    )

    (line,) = lines()
    assert line["odd"] == f"password={HIDDEN}"
    assert line["many"] == [1, None, True]
    assert line["not_a_number"] is None


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_lines_go_to_the_stream_that_was_chosen(monkeypatch, capsys, stream):
    monkeypatch.setattr(logs, "stream_name", stream)

    logs.LineLogger().write("a line")

    captured = capsys.readouterr()
    assert {"stdout": captured.out, "stderr": captured.err} == {"stdout": "", "stderr": ""} | {stream: "a line\n"}
