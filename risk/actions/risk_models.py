"""The life of a model: registered as a draft, activated, made the headline, retired."""

import contextlib
import shlex
from datetime import date, datetime

from django.db import transaction

from accounts.actions import audit, incidents, reasons
from accounts.models import Incident, User
from config.kernel.errors import Conflict
from markets.actions import market
from risk import parameters as versions
from risk.errors import UnknownModel
from risk.models import RiskModel
from risk.parameters import Parameters, ParametersRefused
from risk.queries.models import scored_as_of

FIRST = "The first model of this installation."
OTHER_FORMULAS = "risk_model_of_other_formulas"


class ModelNotDraft(Conflict):
    code = "risk_model_not_draft"
    message = "Only a draft can be activated; a model that was retired stays so."


class ModelNotActive(Conflict):
    code = "risk_model_not_active"
    message = "Only an active model can be the headline or be retired."


class ModelIsHeadline(Conflict):
    code = "risk_model_is_headline"
    message = "This model is the headline: make another one the headline first."


class ModelNotScored(Conflict):
    """`needed` is the day that its newest finished run must not be older than."""

    code = "risk_model_not_scored"

    def __init__(self, model: RiskModel, needed: date) -> None:
        super().__init__(
            f"Every score would vanish or grow old: {model.version} has no finished run as of {needed} or later. Run"
            f" `score_universe --model {model.version}` first.",
            version=model.version,
            needed=needed.isoformat(),
        )


class ModelOfOtherFormulas(Conflict):
    code = OTHER_FORMULAS

    def __init__(self, model: RiskModel) -> None:
        super().__init__(
            "This model was made of other formulas than these, which cannot calculate it."
            f" `{successor(model)}` scores by these and makes them the headline.",
            version=model.version,
        )


@transaction.atomic
def register(*, at: datetime, parameters: Parameters | None = None, by: User | None = None) -> RiskModel:
    """The model of the formulas as they are with these parameters; again, the same row.

    The first of an installation becomes active and the headline, all others are drafts.
    """
    parameters = parameters or Parameters()
    is_first = not RiskModel.objects.exists()
    model, is_new = RiskModel.objects.get_or_create(
        version=versions.version(parameters),
        defaults={"parameters": parameters.stored(), "created_at": at, "changed_at": at},
    )
    if is_new:
        audit.record("risk.model.registered", actor=by, subject=model, at=at, after={"parameters": parameters.stored()})
    if is_new and is_first:
        activate(model, by=by, at=at, reason=FIRST)
        make_headline(model, by=by, at=at, reason=FIRST)
    return model


@transaction.atomic
def activate(model: RiskModel, *, by: User | None, at: datetime, reason: str) -> None:
    """Let a draft score. Raises `ModelNotDraft`, and `ModelOfOtherFormulas` for one that this code cannot calculate."""
    reason = reasons.given(reason)
    require_own(model)
    draft = RiskModel.objects.filter(pk=model.pk, state=RiskModel.State.DRAFT)
    if not draft.update(state=RiskModel.State.ACTIVE, changed_at=at):
        raise ModelNotDraft
    _changed("risk.model.activated", model, by, at, reason, state=(RiskModel.State.DRAFT, RiskModel.State.ACTIVE))


@transaction.atomic
def retire(model: RiskModel, *, by: User | None, at: datetime, reason: str) -> None:
    """Let an active model score no more; what it scored stays. Raises `ModelIsHeadline` or `ModelNotActive`."""
    reason = reasons.given(reason)
    row = RiskModel.objects.select_for_update().get(pk=model.pk)
    if row.is_headline:
        raise ModelIsHeadline
    if row.state != RiskModel.State.ACTIVE:
        raise ModelNotActive
    RiskModel.objects.filter(pk=model.pk).update(state=RiskModel.State.RETIRED, changed_at=at)
    _changed("risk.model.retired", model, by, at, reason, state=(RiskModel.State.ACTIVE, RiskModel.State.RETIRED))
    tell_of_other_formulas(at=at)


@transaction.atomic
def make_headline(model: RiskModel, *, by: User | None, at: datetime, reason: str) -> None:
    """Show this active model's scores where no version is asked for, instead of the one before.

    Raises `ModelNotActive`, and `ModelNotScored` where readers would lose scores by it, or see older ones.
    """
    reason = reasons.given(reason)
    # All of them, in one order: two such deeds at once would otherwise wait for each other.
    rows = {row.pk: row for row in RiskModel.objects.select_for_update().order_by("pk")}
    if rows[model.pk].state != RiskModel.State.ACTIVE:
        raise ModelNotActive
    headline = next((row for row in rows.values() if row.is_headline), None)
    if headline == model:
        return
    shown = None if headline is None else scored_as_of(headline)
    if shown is not None and (scored_as_of(model) or date.min) < shown:
        raise ModelNotScored(model, shown)
    before = None if headline is None else headline.version
    RiskModel.objects.headline().update(is_headline=False, changed_at=at)
    RiskModel.objects.filter(pk=model.pk).update(is_headline=True, changed_at=at)
    _changed("risk.model.made_headline", model, by, at, reason, headline=(before, model.version))
    tell_of_other_formulas(at=at)


def named(version: str) -> RiskModel:
    """The model of this version, also a draft, or `UnknownModel`."""
    model = RiskModel.objects.filter(version=version).first()
    if model is None:
        raise UnknownModel(models=list(RiskModel.objects.values_list("version", flat=True)))
    return model


def require_in_use(model: RiskModel) -> None:
    """Raise `ModelNotActive` for a model that was retired; drafts may be scored to see what they say."""
    if model.state == RiskModel.State.RETIRED:
        raise ModelNotActive("This model was retired: it scores no more, and what it scored stays.")


def require_own(model: RiskModel) -> Parameters:
    """The model's parameters; raises `ModelOfOtherFormulas` unless this code is what its version names."""
    try:
        parameters = Parameters.of(model.parameters)
    except ParametersRefused as refused:  # those of a release that knew other ones
        raise ModelOfOtherFormulas(model) from refused
    if versions.version(parameters) != model.version:
        raise ModelOfOtherFormulas(model)
    return parameters


def is_own(model: RiskModel) -> bool:
    """Whether this code is what the model's version names."""
    with contextlib.suppress(ModelOfOtherFormulas):
        require_own(model)
        return True
    return False


def successor(model: RiskModel | None) -> str:
    """The command that puts these formulas in charge, with the parameters of the model where they are known to them."""
    words = ["manage.py", "register_model"]
    with contextlib.suppress(ParametersRefused):
        defaults = Parameters().stored()
        given = {} if model is None else Parameters.of(model.parameters).stored()
        if others := [f"{name}={value}" for name, value in given.items() if value != defaults[name]]:
            words += ["--set", *others]
    return f"{shlex.join(words)} --activate REASON"


@transaction.atomic
def tell_of_other_formulas(*, at: datetime) -> None:
    """Keep one incident open for each active model that this code cannot calculate, and close the others."""
    others = [model for model in RiskModel.objects.active().order_by("pk") if not is_own(model)]
    for model in others:
        severity = Incident.Severity.CRITICAL if model.is_headline else Incident.Severity.WARNING
        first = f"run `{successor(model)}` and " if model.is_headline else ""
        incidents.open_or_touch(
            OTHER_FORMULAS,
            model.version,
            severity=severity,
            summary=f"Risk model {model.version} is active but not scored, since it was made of other formulas than"
            f" these: {first}retire it, or go back to the release that it was made of.",
            at=at,
        )
    incidents.close_others(OTHER_FORMULAS, [model.version for model in others], at=at)


def _changed(
    verb: str, model: RiskModel, by: User | None, at: datetime, reason: str, **change: tuple[object, object]
) -> None:
    model.refresh_from_db()
    audit.record(
        verb,
        actor=by,
        subject=model,
        at=at,
        reason=reason,
        before={name: before for name, (before, _) in change.items()},
        after={name: after for name, (_, after) in change.items()},
    )
    market.touch(at=at)
