import pytest

from config.embedded.given import Given

pytestmark = pytest.mark.unit


def test_environment_comes_before_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("PORT=1\nDEMO=off\nREDIS_URL=\n")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.setenv("DEMO", "")
    monkeypatch.delenv("REDIS_URL", raising=False)
    given = Given.to_checkout(tmp_path)

    assert [given.get("PORT"), given.get("DEMO"), given.get("REDIS_URL")] == ["2", "off", None]


@pytest.mark.parametrize("name", ["DATABASE_URL", "DB_URL", "db_url"])
def test_alias_counts_as_the_name(name):
    assert Given({name: "postgresql://x/y"}).get("DATABASE_URL") == "postgresql://x/y"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", False), ("Off", False), ("false", False), (" no ", False), ("1", True), ("TRUE", True)],
)
def test_yes_and_no(value, expected):
    assert Given({"DEMO": value}).is_on("DEMO", default=not expected) is expected


@pytest.mark.parametrize("default", [True, False])
def test_nothing_said_is_the_default(default):
    assert Given({"DEMO": ""}).is_on("DEMO", default=default) is default


def test_process_alone_knows_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://x/y\n")
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert Given.to_process().get("DATABASE_URL") is None
