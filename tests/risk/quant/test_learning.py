import numpy as np
import pytest

from risk.quant import conformal, learning, scoring
from risk.quant.features import FEATURES
from risk.quant.learning import Day

ASSETS = 60


def day(seed: int, noise: float = 0.1) -> Day:
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(ASSETS, len(FEATURES)))
    return Day(inputs, 0.5 * inputs[:, 0] + random.normal(0, noise, ASSETS), np.full(ASSETS, "large_long"))


def learn(days: list[Day], *, response: float, dates: int = 2) -> learning.Learnt:
    found = learning.learn(
        days, penalty=0.01, recent_share=0.0, calibration_dates=12, reach_dates=dates, reach_response=response
    )
    assert found is not None
    return found


def test_without_response_reach_is_the_plain_split_conformal_one():
    days = [day(seed) for seed in range(30)]
    forecasts, outcomes = [], []
    for place in range(18, 30):
        past = days[:place]
        inputs, outcome = [one.inputs for one in past], [one.log_risk for one in past]
        model = scoring.learn(inputs, outcome, penalty=0.01, recent_share=0.0)
        forecasts.append(scoring.forecast(model, days[place].inputs))
        outcomes.append(days[place].log_risk)
    plain = conformal.calibrate(
        np.concatenate(forecasts), np.concatenate(outcomes), ["large_long"] * 12 * ASSETS, coverage=0.9
    )

    found = learn(days, response=0.0)

    assert found.log_volatility[0.9].of("large_long") == pytest.approx(plain.of("large_long"), rel=1e-12)
    assert found.calibrated_on == 12 * ASSETS


@pytest.mark.parametrize(("noise", "farther"), [(0.4, True), (0.025, False)])
def test_intervals_reach_as_far_as_lately_was_needed(noise, farther):
    days = [day(seed) for seed in range(28)] + [day(seed, noise) for seed in (28, 29)]
    plain, scaled = (learn(days, response=response) for response in (0.0, 0.5))

    for coverage in (0.8, 0.9):
        reaches = [found.log_volatility[coverage].of("large_long") for found in (plain, scaled)]
        assert (reaches[1] > 1.3 * reaches[0]) == farther
        assert (reaches[1] < reaches[0]) != farther


def test_errors_that_come_in_spells_are_covered_more_evenly():
    # Spells of eight calm and eight wild months, three times as wild.
    noises = [0.1 if month // 8 % 2 else 0.3 for month in range(80)]
    days = [day(seed, noise) for seed, noise in enumerate(noises)]
    shares: dict[float, list[float]] = {0.0: [], 0.5: []}
    for response, covered in shares.items():
        for place in range(32, 80):
            found = learn(days[:place], response=response)
            error = days[place].log_risk - scoring.forecast(found.model, days[place].inputs)
            covered.append(float((np.abs(error) <= found.log_volatility[0.9].of("large_long")).mean()))

    plain, scaled = (np.array(covered).reshape(-1, 8).mean(axis=1) for covered in shares.values())
    assert (np.abs(scaled - 0.9) < np.abs(plain - 0.9)).all()


def test_first_dates_are_enough_to_begin():
    found = learn([day(seed) for seed in range(12)], response=0.5)

    # Six forecasts, of which the first has none before it that would tell how far off it might be.
    assert found.calibrated_on == 5 * ASSETS


def test_too_few_days_teach_nothing():
    days = [Day(np.zeros((20, len(FEATURES))), np.zeros(20), np.full(20, "large_long"))] * 11

    assert (
        learning.learn(days, penalty=0.01, recent_share=0.25, calibration_dates=6, reach_dates=2, reach_response=0.5)
        is None
    )
