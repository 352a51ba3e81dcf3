import json
import os
import shutil
import signal
import socket
import sys

import pytest

from config.embedded.errors import ServersError
from config.embedded.given import Given
from config.embedded.home import Home, hold
from config.launcher import __main__ as launcher
from config.launcher import children
from config.launcher.product import Product, free_web_port
from tests.support.processes import processes_in

pytestmark = pytest.mark.integration
LOGINS = {"admin": {"username": "ada", "password": "word"}}
MANAGE = f"import json, sys; print(json.dumps({{'logins': {LOGINS!r}}}))"
WEB = """
import http.server, json, os, pathlib, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        state = pathlib.Path("ready").exists()
        pathlib.Path("ready").touch()  # ready at the second question
        self.send_response(200 if state else 503)
        self.end_headers()

json.dump(dict(os.environ), open("web.json", "w"))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
IDLE = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); print('up', flush=True); signal.pause()"
)
SERVERS = {"DATABASE_URL": "postgresql://app@db/x", "REDIS_URL": "redis://cache/0"}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose processes are small stand-ins that write down what they were told."""
    (tmp_path / "manage.py").write_text(MANAGE)
    monkeypatch.setattr(children, "web", lambda port: [sys.executable, "-c", WEB, str(port)])
    monkeypatch.setattr(children, "worker", lambda: [sys.executable, "-c", IDLE])
    monkeypatch.setattr(children, "beat", lambda: [sys.executable, "-c", IDLE])
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "TEST_SUPERUSER_URL", "EMBEDDED_SERVERS", "DEMO"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


class Screen:
    """What the user sees; acts as the user when a line appears."""

    def __init__(self, moment, act):
        self.lines = []
        self._moment, self._act = moment, act

    def __call__(self, message):
        self.lines.append(message)
        if self._moment in message:
            self._act()


def stop():
    os.kill(os.getpid(), signal.SIGTERM)


def then_stop(act):
    def act_and_stop():
        act()
        stop()

    return act_and_stop


def run(state, checkout, given, *, moment="Ready", act=stop):
    screen = Screen(moment, act)
    Product(checkout, state, Given(given), screen).run()
    return screen.lines


def test_given_servers_are_used_and_nothing_is_embedded(state, checkout, monkeypatch):
    for name, url in SERVERS.items():
        monkeypatch.setenv(name, url)

    lines = run(state, checkout, SERVERS)

    told = json.loads((checkout / "web.json").read_text())
    assert lines[0] == "Bringing the database up to date"
    assert {name: told[name] for name in SERVERS} == SERVERS
    assert "EMBEDDED_SERVERS" not in told


def test_what_is_published_leads_to_the_product_while_it_runs(state, checkout):
    seen = []

    lines = run(state, checkout, SERVERS, act=then_stop(lambda: seen.append(state.published())))

    assert {**seen[0], "base_url": None} == {
        "base_url": None,
        "database_url": SERVERS["DATABASE_URL"],
        "redis_url": SERVERS["REDIS_URL"],
        "database_owner_url": SERVERS["DATABASE_URL"],
        "logins": LOGINS,
    }
    assert state.published() is None
    assert lines[-2:] == ["Stopping", "Stopped."]


def test_user_is_told_where_everything_is(state, checkout):
    seen = []

    lines = run(
        state, checkout, SERVERS, moment="Logs", act=then_stop(lambda: seen.append(state.published()["base_url"]))
    )

    text = "\n".join(lines)
    for part in (f"{seen[0]}/", f"{seen[0]}/docs", f"{seen[0]}/admin/", "ada", "word", str(state.logs)):
        assert part in text


def test_nothing_is_left_when_the_product_has_stopped(state, checkout):
    seen = []

    run(state, checkout, SERVERS, act=then_stop(lambda: seen.extend(processes_in(checkout))))

    assert len(seen) == 3
    assert processes_in(checkout) == []


def test_web_is_told_secrets_and_pool_and_not_the_owner(state, checkout, monkeypatch):
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner@db/x")

    run(state, checkout, {**SERVERS, "DATABASE_OWNER_URL": "postgresql://owner@db/x"})

    told = json.loads((checkout / "web.json").read_text())
    secrets = json.loads((state.directory / "secrets.json").read_text())
    assert {name: told[name] for name in secrets} == secrets
    assert (told["DATABASE_POOL"], told["DEMO"]) == ("true", "true")
    assert "DATABASE_OWNER_URL" not in told


def test_counts_of_processes_that_are_gone_are_removed(state, checkout):
    state.metrics.mkdir()
    (state.metrics / "counter_1.db").touch()

    run(state, checkout, SERVERS)

    assert list(state.metrics.iterdir()) == []


@pytest.mark.parametrize("given", [{"DEMO": "0"}, {"ENVIRONMENT": "production"}, {"ENV": "prod"}])
def test_no_demo_when_it_is_off(state, checkout, given):
    state.remember(LOGINS)
    seen = []

    run(state, checkout, {**SERVERS, **given}, act=then_stop(lambda: seen.append(state.published()["logins"])))

    assert seen == [{}]
    assert json.loads((checkout / "web.json").read_text())["DEMO"] == "false"


def test_beat_stays_away_when_the_scheduler_is_off(state, checkout):
    lines = run(state, checkout, {**SERVERS, "SCHEDULER_ENABLED": "false"})

    assert "Starting worker, web" in lines


def test_dead_child_is_announced_and_replaced(state, checkout):
    killed = []

    def kill_worker():
        worker = next(pid for pid in processes_in(checkout) if IDLE in commandline(pid))
        killed.append(worker)
        os.kill(worker, signal.SIGKILL)

    class Watcher(Screen):
        def __call__(self, message):
            super().__call__(message)
            if "ended unexpectedly" in message:
                stop()

    screen = Watcher("Ready", kill_worker)
    Product(checkout, state, Given(SERVERS), screen).run()

    assert [line for line in screen.lines if line.startswith(("worker ended unexpectedly", "beat ended unexpectedly"))]
    assert killed[0] not in processes_in(checkout)


def commandline(pid):
    with open(f"/proc/{pid}/cmdline") as file:  # noqa: PTH123 - of a process that may be gone
        return file.read()


def test_child_that_cannot_start_ends_the_start_with_its_own_words(state, checkout, monkeypatch):
    monkeypatch.setattr(children, "web", lambda port: [sys.executable, "-c", "raise SystemExit('no such setting')"])

    with pytest.raises(ServersError, match=r"(?s)web does not start; .*web\.log ends:\nno such setting"):
        Product(checkout, state, Given(SERVERS), lambda message: None).run()

    assert processes_in(checkout) == []
    assert state.published() is None


def test_product_that_is_never_ready_is_given_up(state, checkout, monkeypatch):
    monkeypatch.setattr("config.launcher.product.READY_TIMEOUT", 0.0)

    with pytest.raises(ServersError, match="not ready after 0 s"):
        Product(checkout, state, Given(SERVERS), lambda message: None).run()

    assert processes_in(checkout) == []


def test_second_signal_does_not_cut_short_the_stop(state, checkout):
    screen = Screen("Ready", stop)

    def say(message):
        screen(message)
        if message == "Stopping":
            stop()

    Product(checkout, state, Given(SERVERS), say).run()

    assert screen.lines[-1] == "Stopped."
    assert processes_in(checkout) == []


def test_large_logs_are_put_aside(state, checkout, monkeypatch):
    monkeypatch.setattr("config.launcher.product.LARGEST_LOG", 10)
    (state.logs / "web.log").write_text("x" * 11)

    run(state, checkout, SERVERS)

    assert (state.logs / "web.log.1").read_text() == "x" * 11


def test_second_launcher_says_where_the_first_is(state, checkout, capsys):
    with hold(state.lock):
        assert launcher.main(checkout) == 0
        (state.directory / "run.json").write_text('{"base_url": "http://127.0.0.1:8123"}')
        assert launcher.main(checkout) == 0

    assert capsys.readouterr().out.splitlines() == [
        "The product of this checkout is already running and is still starting.",
        "The product of this checkout is already running at http://127.0.0.1:8123.",
    ]


def test_failure_is_a_sentence_and_an_exit_code(checkout, capsys, monkeypatch):
    home = Home.temporary()
    monkeypatch.setattr(Home, "of_checkout", lambda repository: home)
    monkeypatch.setenv("PG_BIN", "/nowhere")

    assert launcher.main(checkout) == 1

    shutil.rmtree(home.path)
    assert capsys.readouterr().out.splitlines()[-1] == "PG_BIN=/nowhere is not a usable PostgreSQL: it has no postgres."


def test_port_in_use_gives_way_to_the_next():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]

        assert free_web_port(first) > first


def test_free_port_is_taken_as_it_is():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    assert free_web_port(port) == port


def test_no_free_port_names_the_variable(monkeypatch):
    monkeypatch.setattr("config.launcher.product.PORTS_TRIED", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(ServersError, match="choose another with PORT"):
            free_web_port(taken.getsockname()[1])
