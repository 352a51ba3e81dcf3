import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.sentiment.daily import news_mood


def mood(*items: tuple[float, float], collected_days: float = 400.0):
    ages = np.array([age for age, _ in items])
    tones = np.array([tone for _, tone in items])
    return news_mood(ages, tones, collected_days=collected_days)


QUIET_PAST = [(20.0 + 7 * week, 0.0) for week in range(10)]
BURST = [(0.5 * n, -0.8) for n in range(6)]


def test_an_item_weighs_half_after_three_days_and_a_quarter_after_six() -> None:
    said = mood((0.0, -1.0), (3.0, 0.5), (6.0, 0.0))

    assert said.intensity == pytest.approx(1.75)
    assert said.net_negativity == pytest.approx(1.0 - 0.25)


def test_what_is_older_than_the_reach_weighs_nothing() -> None:
    assert mood((30.1, -1.0)).intensity == 0


def test_fewer_than_five_items_in_seven_days_say_nothing() -> None:
    said = mood(*[(1.0, -0.9)] * 4, (7.1, -0.9), *QUIET_PAST)

    assert (said.items, said.absent) == (4, "too_few_items")
    assert said.intensity_z is said.net_negativity_z is None


def test_a_month_of_collecting_is_needed_to_know_what_is_usual() -> None:
    young = mood(*BURST, collected_days=29.9)
    old = mood(*BURST, collected_days=30.0)

    assert (young.absent, young.base_days) == ("base_too_short", 29)
    assert (old.absent, old.base_days) == (None, 30)


def test_a_burst_of_bad_news_stands_out() -> None:
    said = mood(*BURST, *QUIET_PAST)

    assert said.absent is None
    assert said.intensity_z is not None
    assert said.intensity_z > 3
    assert said.net_negativity_z is not None
    assert said.net_negativity_z > 3


def test_a_burst_of_good_news_stands_out_the_other_way() -> None:
    said = mood(*[(age, -tone) for age, tone in BURST], *QUIET_PAST)

    assert said.net_negativity_z is not None
    assert said.net_negativity_z < -3


def test_the_z_score_is_that_of_the_daily_values_before() -> None:
    items = [*BURST, *QUIET_PAST]
    said = mood(*items)

    # The same, item by item and day by day.
    def decayed(day: int) -> float:
        return sum(2 ** (-(age - day) / 3) for age, _ in items if 0 <= age - day <= 30)

    base = [decayed(day) for day in range(1, 91)]
    mean = sum(base) / 90
    spread = (sum((value - mean) ** 2 for value in base) / 89) ** 0.5
    assert said.intensity_z == pytest.approx((decayed(0) - mean) / spread)


def test_a_base_that_never_moves_has_no_scale() -> None:
    # All within the last hours, so that every earlier day is exactly quiet.
    said = mood(*[(0.01, -0.5)] * 5)

    assert (said.absent, said.intensity_z) == ("base_without_variation", None)


@given(
    st.lists(st.tuples(st.floats(0, 130), st.floats(-1, 1)), max_size=40),
    st.floats(0, 500),
)
def test_a_score_is_there_or_its_absence_has_a_reason(items: list[tuple[float, float]], collected: float) -> None:
    said = mood(*items, collected_days=collected)

    assert (said.intensity_z is None) == (said.net_negativity_z is None) == (said.absent is not None)
    assert abs(said.net_negativity) <= said.intensity + 1e-9


def test_ages_and_tones_must_belong_together() -> None:
    with pytest.raises(ValueError, match="an age"):
        news_mood(np.array([1.0]), np.array([]), collected_days=1)
    with pytest.raises(ValueError, match="an age"):
        mood((-0.1, 0.0))
