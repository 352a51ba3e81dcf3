import json
import stat

import pytest

from config.embedded.errors import ServersError
from config.embedded.given import Given
from config.launcher.state import Address, State

pytestmark = pytest.mark.unit
NAMES = {"SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_MASTER_KEY"}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_for_a_checkout(state, tmp_path):
    made = state.secrets(Given({}))

    assert State(tmp_path).secrets(Given({})) == made
    assert set(made) == NAMES
    assert len(set(made.values())) == 3
    assert min(map(len, made.values())) >= 64
    assert mode(tmp_path / ".local" / "secrets.json") == 0o600


@pytest.mark.parametrize(
    ("variable", "left"),
    [("SECRET_KEY", NAMES - {"SECRET_KEY"}), ("JWT_SECRET", NAMES - {"JWT_SECRET_KEY"})],
)
def test_secret_that_the_user_has_given_is_not_replaced(state, variable, left):
    assert set(state.secrets(Given({variable: "mine"}))) == left


def test_new_secret_of_a_later_version_leaves_the_others_alone(state, tmp_path):
    made = state.secrets(Given({}))
    kept = {"SECRET_KEY": made["SECRET_KEY"]}
    (tmp_path / ".local" / "secrets.json").write_text(json.dumps(kept))

    again = state.secrets(Given({}))

    assert again["SECRET_KEY"] == made["SECRET_KEY"]
    assert set(again) == NAMES


def test_logins_of_earlier_starts_are_kept(state):
    old = {"username": "old", "password": "1"}
    new = {"username": "new", "password": "2"}
    state.remember({"admin": old, "viewer": old})

    assert state.remember({"admin": new}) == {"admin": new, "viewer": old}
    assert state.remember({}) == {"admin": new, "viewer": old}
    assert mode(state.directory / "logins.json") == 0o600


def test_published_address_is_private_and_can_be_withdrawn(state):
    login = {"admin": {"username": "u", "password": "p"}}
    state.publish(Address("http://127.0.0.1:8000", "postgresql://d", "redis://r", "postgresql://o", login))

    assert mode(state.directory / "run.json") == 0o600
    assert state.published() == {
        "base_url": "http://127.0.0.1:8000",
        "database_url": "postgresql://d",
        "redis_url": "redis://r",
        "database_owner_url": "postgresql://o",
        "logins": login,
    }
    state.withdraw()
    assert state.published() is None
    state.withdraw()


@pytest.mark.parametrize("content", ["", "{"])
def test_broken_file_is_named_and_kept(state, content):
    path = state.directory / "secrets.json"
    path.write_text(content)

    with pytest.raises(ServersError, match=r"secrets\.json cannot be read"):
        state.secrets(Given({}))

    assert path.read_text() == content


def test_directory_of_another_user_is_named(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)

    with pytest.raises(ServersError, match=f"{tmp_path / '.local'} belongs to another user"):
        State(tmp_path)
