from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from config import invariants
from config.kernel.errors import ValidationFailed
from risk.actions import risk_models
from risk.actions.risk_models import (
    ModelIsHeadline,
    ModelNotActive,
    ModelNotDraft,
    ModelNotScored,
    ModelOfOtherFormulas,
)
from risk.errors import UnknownModel
from risk.models import RiskModel
from risk.parameters import Parameters
from tests.accounts.factories import UserFactory
from tests.risk.factories import ScoreRunFactory
from tests.risk.markets import LAST, NOON

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def first() -> RiskModel:
    return risk_models.register(at=NOON)


@pytest.fixture
def second(first: RiskModel) -> RiskModel:
    return risk_models.register(at=NOON, parameters=Parameters(recent_share=0.5))


def state(model: RiskModel) -> tuple[str, bool]:
    model.refresh_from_db()
    return model.state, model.is_headline


def test_first_model_scores_and_is_the_headline_and_the_next_is_a_draft(first, second):
    assert (state(first), state(second)) == (("active", True), ("draft", False))
    assert second.parameters["recent_share"] == 0.5


def test_registered_again_it_is_the_same(first):
    again = risk_models.register(at=NOON)

    assert again.pk == first.pk
    verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["risk.model.registered", "risk.model.activated", "risk.model.made_headline"]


def test_headline_passes_from_one_to_the_other(first, second):
    person = UserFactory.create()
    risk_models.activate(second, by=person, at=NOON, reason="It covers better.")
    risk_models.make_headline(second, by=person, at=NOON, reason="It covers better.")
    risk_models.retire(first, by=person, at=NOON, reason="Replaced.")

    assert (state(first), state(second)) == (("retired", False), ("active", True))
    entry = AuditEntry.objects.get(verb="risk.model.made_headline", actor=person)
    assert (entry.before, entry.after) == ({"headline": first.version}, {"headline": second.version})
    assert entry.reason == "It covers better."


@pytest.mark.parametrize(
    ("deed", "refusal"),
    [
        (lambda first, second: risk_models.activate(first, by=None, at=NOON, reason="x"), ModelNotDraft),
        (lambda first, second: risk_models.retire(first, by=None, at=NOON, reason="x"), ModelIsHeadline),
        (lambda first, second: risk_models.retire(second, by=None, at=NOON, reason="x"), ModelNotActive),
        (lambda first, second: risk_models.make_headline(second, by=None, at=NOON, reason="x"), ModelNotActive),
        (lambda first, second: risk_models.activate(second, by=None, at=NOON, reason=" "), ValidationFailed),
        (lambda first, second: risk_models.named("0.0.0"), UnknownModel),
    ],
)
def test_what_is_refused_changes_nothing(first, second, deed, refusal):
    before = AuditEntry.objects.count()

    with pytest.raises(refusal):
        deed(first, second)

    assert (state(first), state(second)) == (("active", True), ("draft", False))
    assert AuditEntry.objects.count() == before


def test_model_of_other_formulas_is_not_activated(second):
    RiskModel.objects.filter(pk=second.pk).update(version="1.0.0-00000000")
    second.refresh_from_db()

    with pytest.raises(ModelOfOtherFormulas):
        risk_models.activate(second, by=None, at=NOON, reason="x")

    assert state(second) == ("draft", False)


def test_model_of_a_release_with_other_parameters_is_one_of_other_formulas(second):
    RiskModel.objects.filter(pk=second.pk).update(version="1.0.0-00000000", parameters={"penalty": 0.01})
    second.refresh_from_db()

    with pytest.raises(ModelOfOtherFormulas):
        risk_models.require_own(second)


def test_database_knows_one_headline_which_is_active(first, second):
    for change in ({"is_headline": True, "state": "active"}, {"is_headline": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            RiskModel.objects.filter(pk=second.pk).update(**change)


def test_invariants_hold_through_every_deed_and_notice_what_was_none(first, second):
    seen = [invariants.model_states_were_decided()]
    for deed in (risk_models.activate, risk_models.make_headline):
        deed(second, by=None, at=NOON, reason="Better.")
        seen.append(invariants.model_states_were_decided())
    risk_models.retire(first, by=None, at=NOON, reason="Replaced.")
    seen.append(invariants.model_states_were_decided())
    assert seen == [[]] * 4

    RiskModel.objects.filter(pk=first.pk).update(state="active")
    RiskModel.objects.filter(pk=second.pk).update(is_headline=False)

    assert invariants.model_states_were_decided() == [
        f"risk model {first.version} is active, and retired by the audit trail",
        "the headline among the risk models is not the one that the audit trail names last",
    ]


@pytest.mark.parametrize(
    ("days", "state_of_run"), [(None, ""), (-1, "finished"), (0, "failed"), (0, "running")], ids=str
)
def test_model_that_would_take_scores_from_readers_is_not_made_the_headline(first, second, days, state_of_run):
    ScoreRunFactory.create(model=first, as_of=LAST)
    if days is not None:
        ScoreRunFactory.create(model=second, as_of=LAST + timedelta(days=days), state=state_of_run)
    risk_models.activate(second, by=None, at=NOON, reason="Beside it.")

    with pytest.raises(ModelNotScored, match=f"`score_universe --model {second.version}` first"):
        risk_models.make_headline(second, by=None, at=NOON, reason="Too early.")

    assert (state(first), state(second)) == (("active", True), ("active", False))


def test_model_with_scores_as_new_is_made_the_headline(first, second):
    for model in (first, second):
        ScoreRunFactory.create(model=model, as_of=LAST)
    risk_models.activate(second, by=None, at=NOON, reason="Beside it.")

    risk_models.make_headline(second, by=None, at=NOON, reason="It covers better.")

    assert state(second) == ("active", True)
