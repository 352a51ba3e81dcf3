import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.roles import Role
from markets.models import Market
from risk.actions import risk_models
from risk.models import RiskModel
from risk.parameters import Parameters
from tests.markets.admin.conftest import Enter
from tests.markets.factories import NOON
from tests.risk.factories import RiskModelFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

MODELS = "/admin/risk/riskmodel/"


@pytest.fixture
def administrator(enter: Enter) -> User:
    return enter(Role.ADMIN)


def decide(client: Client, action: str, model: RiskModel, reason: str = "It is better.") -> str:
    said = {"action": action, "_selected_action": [model.pk], "reason": reason}
    return client.post(MODELS, said, follow=True).content.decode()


def test_administrator_activates_a_draft(client: Client, administrator: User) -> None:
    RiskModelFactory.create(is_headline=True)
    draft = risk_models.register(at=NOON, parameters=Parameters(penalty=0.02))

    decide(client, "activate", draft)

    draft.refresh_from_db()
    assert draft.state == RiskModel.State.ACTIVE
    assert AuditEntry.objects.about(draft).verbs()[-1] == "risk.model.activated"


def test_administrator_makes_another_model_the_headline_and_readers_hear_of_it(
    client: Client, administrator: User
) -> None:
    old = RiskModelFactory.create(is_headline=True)
    new = RiskModelFactory.create()
    before = Market.objects.values_list("data_version", flat=True).first() or 0

    decide(client, "make_headline", new)

    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.is_headline, new.is_headline) == (False, True)
    entry = AuditEntry.objects.about(new).get()
    assert (entry.verb, entry.actor, entry.reason) == ("risk.model.made_headline", administrator, "It is better.")
    assert Market.objects.get().data_version == before + 1


def test_administrator_retires_a_model_but_not_the_headline(client: Client, administrator: User) -> None:
    headline = RiskModelFactory.create(is_headline=True)
    other = RiskModelFactory.create()

    decide(client, "retire", other)
    page = decide(client, "retire", headline)

    headline.refresh_from_db()
    other.refresh_from_db()
    assert (headline.state, other.state) == (RiskModel.State.ACTIVE, RiskModel.State.RETIRED)
    assert "make another one the headline first" in page


@pytest.mark.parametrize("action", ["activate", "make_headline", "retire"])
@pytest.mark.parametrize("role", [Role.MODERATOR, Role.OPERATOR])
def test_others_only_look(client: Client, enter: Enter, role: Role, action: str) -> None:
    enter(role)
    model = RiskModelFactory.create()

    decide(client, action, model)

    model.refresh_from_db()
    assert (model.state, model.is_headline) == (RiskModel.State.ACTIVE, False)
    assert not AuditEntry.objects.exists()
    assert f'value="{action}"' not in client.get(MODELS).content.decode()


def test_the_list_says_which_active_model_is_not_scored_and_why(client: Client, enter: Enter) -> None:
    enter(Role.MODERATOR)
    risk_models.register(at=NOON)
    RiskModelFactory.create(state=RiskModel.State.RETIRED)
    assert "made of other formulas" not in client.get(MODELS).content.decode()

    RiskModelFactory.create()

    assert client.get(MODELS).content.decode().count("not scored: made of other formulas") == 1
