import pytest

from markets.sentiment.evaluation import agreement, is_for_tuning, label_of


def test_agreement_by_hand() -> None:
    # positive: 1 of 2 said, 1 of 1 true: F1 2/3; negative: 1 of 1, 1 of 2: 2/3; neutral: 1 of 1, 1 of 1: 1.
    found = agreement(["positive", "negative", "negative", "neutral"], ["positive", "positive", "negative", "neutral"])

    assert (found.size, found.accuracy) == (4, 0.75)
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_a_label_that_never_occurs_counts_for_nothing() -> None:
    assert agreement(["positive"], ["positive"]).macro_f1 == 1
    assert agreement(["positive"], ["neutral"]).macro_f1 == 0


@pytest.mark.parametrize(("true", "predicted"), [([], []), (["neutral"], [])])
def test_nothing_to_compare_is_an_error(true, predicted) -> None:
    with pytest.raises(ValueError, match="as many"):
        agreement(true, predicted)


@pytest.mark.parametrize(
    ("tone", "label"), [(0.1, "positive"), (0.0999, "neutral"), (-0.0999, "neutral"), (-0.1, "negative")]
)
def test_the_threshold_belongs_to_the_labels(tone: float, label: str) -> None:
    assert label_of(tone, threshold=0.1) == label


def test_a_text_is_for_tuning_wherever_it_stands() -> None:
    texts = [f"headline {n}" for n in range(3_000)]

    assert 0.28 < sum(map(is_for_tuning, texts)) / 3_000 < 0.39
    assert all(is_for_tuning(text) == is_for_tuning(f" {text.upper()}\n") for text in texts)
