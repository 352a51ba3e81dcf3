from pathlib import Path

import pytest
from django.conf import settings

from risk import model_card

pytestmark = pytest.mark.unit

CARD = " ".join((Path(settings.BASE_DIR) / "docs" / "risk" / "model-card.md").read_text().split())


@pytest.mark.parametrize(
    "sentence", [*model_card.METHOD, *model_card.LIMITS, *model_card.WHAT_THIS_IS_NOT], ids=lambda text: text[:30]
)
def test_the_page_says_what_the_api_says(sentence: str) -> None:
    assert sentence in CARD
