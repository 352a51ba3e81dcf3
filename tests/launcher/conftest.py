import pytest

from config.launcher.state import State


@pytest.fixture
def state(tmp_path):
    return State(tmp_path)
