import re
from pathlib import Path

import pytest
from django.conf import settings

from risk import model_card
from risk.api import scores
from risk.parameters import Parameters

pytestmark = pytest.mark.unit

CARD = " ".join((Path(settings.BASE_DIR) / "docs" / "risk" / "model-card.md").read_text().split())


@pytest.mark.parametrize(
    "sentence", [*model_card.METHOD, *model_card.LIMITS, *model_card.WHAT_THIS_IS_NOT], ids=lambda text: text[:30]
)
def test_the_page_says_what_the_api_says(sentence: str) -> None:
    assert sentence in CARD


def test_no_sentence_names_the_value_of_a_parameter_that_a_version_may_change() -> None:
    chosen = " ".join([*model_card.METHOD, *model_card.LIMITS, *(description for *_, description in scores._FLAGS)])

    assert "floor of 8" not in chosen
    assert "for 30 days" not in chosen
    assert {"floor_of_stablecoins", "hold_days"} <= set(re.findall(r"`(\w+)`", chosen)) <= set(Parameters().stored())
