from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from risk.actions import risk_models
from risk.models import RiskModel, RiskScore
from risk.runs import recomputation, scorecards
from tests.markets.factories import store_daily_bars
from tests.risk.markets import LAST, NOON, coin, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def score() -> RiskScore:
    """The second score of a coin with a history of a year, which knows the one before."""
    simulated()
    asset = coin("subject", walk(365, seed=1))
    model = risk_models.register(at=NOON)
    for day in (1, 0):
        scorecards.score(model, LAST - timedelta(days=day))
    return RiskScore.objects.select_related("run__fit", "run__model", "model").get(asset=asset, as_of=LAST)


def recompute(score: RiskScore) -> str:
    out = StringIO()
    call_command("recompute_score", str(score.pk), stdout=out, stderr=out)
    return out.getvalue()


def test_same_inputs_give_the_same_bits(score):
    assert recomputation.recompute(score) == []
    assert recompute(score) == f"Score {score.pk} is the same: {score.score}, input {score.input_hash}.\n"


def test_errors_of_the_estimate_are_computed_again_to_the_same_bits():
    simulated(assets=12, days=900)
    asset = coin("subject", walk(90, seed=1))
    scorecards.score(risk_models.register(at=NOON), LAST)
    scores = RiskScore.objects.select_related("run__fit", "run__model", "model")
    young: Any = scores.get(asset=asset)
    old: Any = scores.exclude(asset=asset).earliest("pk")

    assert (young.estimate_basis, old.estimate_basis) == ("pooled", "fitted")
    for score in (young, old):
        assert score.estimate_low_90 < score.estimate_low_80 <= score.score
        assert score.score <= score.estimate_high_80 < score.estimate_high_90
        assert recomputation.recompute(score) == []
    old.estimate_low_90 += 1e-12
    assert [found.name for found in recomputation.recompute(old)] == ["estimate_low_90"]


def test_later_scores_and_news_of_prices_change_nothing(score):
    store_daily_bars(score.asset, LAST + timedelta(days=1), [1.0])
    scorecards.score(score.model, LAST + timedelta(days=1))

    assert recomputation.recompute(score) == []


def test_changed_price_is_said_and_fails_the_command(score):
    store_daily_bars(score.asset, LAST, [99.0])

    changed = {found.name for found in recomputation.recompute(score)}

    assert {"input_hash", "seed", "score"} <= changed
    with pytest.raises(CommandError, match=f"Score {score.pk} is not the same"):
        recompute(score)


def test_changed_price_of_another_asset_is_said_where_it_matters(score):
    other = RiskScore.objects.exclude(asset=score.asset).filter(run=score.run).select_related("asset").earliest("pk")
    store_daily_bars(other.asset, LAST - timedelta(days=30), [1e-3, 2e-3, 1e-3])

    found = {difference.name: difference.recomputed for difference in recomputation.recompute(score)}

    assert "input_hash" not in found
    assert found["inputs of other assets"] == "1 have changed"


def test_other_formulas_cannot_recompute(score):
    RiskModel.objects.filter(pk=score.model_id).update(version="1.0.0-other")

    with pytest.raises(CommandError, match="other formulas"):
        recompute(score)


def test_score_that_does_not_exist():
    with pytest.raises(CommandError, match="no such score"):
        call_command("recompute_score", "1")
