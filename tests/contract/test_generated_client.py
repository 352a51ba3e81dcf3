"""A client that is generated from the committed schema can talk to the product."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings

from config.kernel import clock
from markets.runs import simulation
from tests.accounts.factories import UserFactory

SCHEMA = Path(settings.BASE_DIR) / "docs" / "api" / "openapi.yaml"

pytestmark = [pytest.mark.slow, pytest.mark.integration]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("client")
    (folder / "config.yaml").write_text("package_name_override: generated_client\npost_hooks: []\n")
    subprocess.run(
        [
            str(Path(sys.executable).with_name("openapi-python-client")),
            *("generate", "--path", str(SCHEMA), "--config", "config.yaml", "--meta", "none", "--fail-on-warning"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    sys.path.insert(0, str(folder))
    yield importlib.import_module("generated_client")
    sys.path.remove(str(folder))


def test_it_lists_reads_and_signs_in(generated: ModuleType, base_url: str) -> None:
    simulation.perform(simulation.Parameters(assets=3, days=30, seed=1), at=clock.now())
    person = UserFactory.create()
    person.set_password("a long enough secret")
    person.save()

    def call(module: str, client: Any, *path: str, **arguments: Any) -> Any:
        operation = importlib.import_module(f"generated_client.api.{module}")
        response = operation.sync_detailed(*path, client=client, **arguments)
        assert response.status_code == 200, response.content
        return response.parsed

    anonymous = generated.Client(base_url=base_url)
    page = call("cryptocurrencies.get_cryptocurrencies", anonymous, limit=1)
    assert (page.count, page.results[0].symbol, page.results[0].quality) == (3, "BTC", "simulated")
    detail = call("cryptocurrencies.get_cryptocurrencies_by_symbol", anonymous, "BTC")
    assert detail.match.by == "symbol"
    history = call("cryptocurrencies.get_cryptocurrencies_by_symbol_history", anonymous, "BTC", limit=5)
    assert len(history.points) == 5

    credentials = importlib.import_module("generated_client.models").CredentialsRequest
    pair = call(
        "auth.post_auth_login",
        anonymous,
        body=credentials(username=person.username, password="a long enough secret"),
    )
    known = generated.AuthenticatedClient(base_url=base_url, token=pair.access_token)
    assert call("me.get_me", known).username == person.username
