import pytest

from config.embedded.errors import ServersError
from config.launcher.preparation import Preparation

pytestmark = pytest.mark.integration
LOGINS = {"admin": {"username": "ada", "password": "s3cret-word"}}
MANAGE = f"""
import json, os, sys
with open("calls", "a") as calls:
    calls.write(" ".join([os.environ["DATABASE_URL"], *sys.argv[1:]]) + "\\n")
print(f"doing {{sys.argv[1]}}", file=sys.stderr)
if sys.argv[1] == os.environ.get("FAILS"):
    sys.exit("it went wrong")
print('{{"event": "a line of the log"}}')
print(json.dumps({{"logins": {LOGINS!r}}}) if sys.argv[1] == "demo" else f"done {{sys.argv[1]}}")
"""


@pytest.fixture
def prepare(tmp_path):
    (tmp_path / "manage.py").write_text(MANAGE)

    def run(*, demo=True, **variables):
        environment = {"DATABASE_URL": "app", **variables}
        preparation = Preparation(tmp_path, tmp_path / "setup.log", lambda message: None)
        return preparation.run(environment, owner_url="owner", demo=demo)

    return run


def test_only_the_migrations_act_as_the_owner(prepare, tmp_path):
    prepare()

    assert (tmp_path / "calls").read_text().splitlines() == [
        "owner migrate --noinput",
        "app collectstatic --noinput",
        "app sync_roles",
        "app sync_schedules",
        "app demo --json",
        "app register_model --activate The demo shows the newest.",
    ]


def test_demo_tells_the_logins_and_the_log_does_not(prepare, tmp_path):
    assert prepare() == LOGINS
    assert "s3cret-word" not in (tmp_path / "setup.log").read_text()
    assert "doing demo" in (tmp_path / "setup.log").read_text()


def test_demo_is_served_by_the_model_before_when_the_newest_cannot_be_shown(prepare):
    assert prepare(FAILS="register_model") == LOGINS


def test_without_demo_there_are_no_logins(prepare, tmp_path):
    assert prepare(demo=False) == {}
    assert "demo" not in (tmp_path / "calls").read_text()


def test_without_demo_a_model_is_registered_and_not_activated(prepare, tmp_path):
    prepare(demo=False)

    assert (tmp_path / "calls").read_text().splitlines()[-1] == "app register_model"


def test_scores_that_cannot_be_asked_for_are_no_reason_to_end(tmp_path):
    (tmp_path / "manage.py").write_text(MANAGE)
    said: list[str] = []
    preparation = Preparation(tmp_path, tmp_path / "setup.log", said.append)

    preparation.ask_for_scores({"DATABASE_URL": "app"})
    preparation.ask_for_scores({"DATABASE_URL": "app", "FAILS": "score_universe"})

    assert (tmp_path / "calls").read_text().splitlines() == ["app score_universe --request"] * 2
    assert len(said) == 1
    assert "it went wrong" in said[0]


@pytest.mark.parametrize("command", ["migrate", "sync_schedules", "demo"])
def test_failure_shows_the_end_of_the_log_and_ends_the_preparation(prepare, tmp_path, command):
    with pytest.raises(ServersError, match=rf"(?s)`manage.py {command}` failed; .*it went wrong"):
        prepare(FAILS=command)

    assert (tmp_path / "calls").read_text().splitlines()[-1].split()[1] == command


def test_log_holds_the_last_preparation_alone(prepare, tmp_path):
    prepare()
    prepare()

    assert (tmp_path / "setup.log").read_text().count("done migrate") == 1
