import numpy as np
import pytest

from risk.quant.eligibility import Standing, eligibility

DAYS = 400
random = np.random.default_rng(1)
walk = np.exp(random.normal(0, 0.03, DAYS).cumsum())
busy = np.full(DAYS, 1e6) * np.exp(random.normal(0, 0.2, DAYS))
nothing = np.full(DAYS, np.nan)


def judged(prices, volumes=busy):
    return eligibility(np.array([prices]), np.array([volumes]))


def until(day, values, after=np.nan):
    return np.r_[values[:day], np.full(DAYS - day, after)]


@pytest.mark.parametrize(
    ("prices", "volumes", "standing"),
    [
        (walk, busy, Standing.ORDINARY),
        (walk, nothing, Standing.ORDINARY),
        (nothing, nothing, Standing.NO_HISTORY),
        (np.r_[np.full(DAYS - 13, np.nan), walk[:13]], busy, Standing.INSUFFICIENT_HISTORY),
        (np.r_[np.full(DAYS - 14, np.nan), walk[:14]], busy, Standing.ORDINARY),
        (until(DAYS - 4, walk), busy, Standing.HISTORY_ENDED),
        (until(DAYS - 3, walk), busy, Standing.ORDINARY),
        (1 + random.normal(0, 0.002, DAYS), busy, Standing.STABLECOIN),
        (1.08 + random.normal(0, 0.002, DAYS), busy, Standing.ORDINARY),
        (np.r_[walk[:200], walk[200:] * 0.001], np.full(DAYS, 500.0), Standing.DEAD),
        (np.r_[walk[:200], walk[200:] * 0.001], busy, Standing.ORDINARY),
        (np.r_[walk[:200], walk[200:] * 0.001], nothing, Standing.ORDINARY),
        (walk, until(DAYS - 30, busy, 0.0), Standing.DEAD),
        (walk, until(DAYS - 29, busy, 0.0), Standing.ORDINARY),
        (walk, until(DAYS - 30, busy, -1.0), Standing.ORDINARY),  # not observed, which is no evidence
    ],
    ids=[
        "ordinary",
        "volumes that nobody reports",
        "no price",
        "13 days",
        "14 days",
        "no price for four days",
        "no price for three days",
        "a peg",
        "a peg that is not at one",
        "down 99 % without volume",
        "down 99 % but traded",
        "down 99 % at unknown volume",
        "30 days without volume",
        "29 days without volume",
        "30 days of no volume that can be",
    ],
)
def test_asset_has_the_standing_of_its_case(prices, volumes, standing):
    assert judged(prices, volumes).standing.tolist() == [standing]


def test_end_of_a_source_is_no_death():
    # Down 99 % and then nothing: that it fell is known, that nobody trades it is not.
    fallen = until(300, np.r_[walk[:200], walk[200:] * 0.001])

    assert judged(fallen, until(300, busy)).standing.tolist() == [Standing.HISTORY_ENDED]


def test_evidence_of_death_goes_before_the_end_of_the_history():
    fallen = until(300, np.r_[walk[:200], walk[200:] * 0.001])

    assert judged(fallen, np.r_[busy[:300], np.zeros(100)]).standing.tolist() == [Standing.DEAD]


@pytest.mark.parametrize(
    ("kept", "broken", "distance"),
    [
        (400, 0, pytest.approx(0.0, abs=0.01)),
        (400, 5, pytest.approx(-np.log(0.9), abs=0.01)),
        (400, 200, pytest.approx(-np.log(0.9), abs=0.01)),
        (400, 360, pytest.approx(-np.log(0.9), abs=0.01)),
        (400, 420, pytest.approx(np.nan, nan_ok=True)),
        (45, 10, pytest.approx(np.nan, nan_ok=True)),
    ],
    ids=["sound", "broken lately", "broken and calm", "remembered", "forgotten", "never known"],
)
def test_broken_peg_is_remembered_for_a_year(kept, broken, distance):
    prices = (1 + np.random.default_rng(2).normal(0, 1e-3, kept + broken)) * np.r_[np.ones(kept), np.full(broken, 0.9)]
    found = eligibility(prices[None], np.full((1, prices.size), 1e6))

    assert found.peg_distance[0] == distance
    assert np.isnan(judged(walk).peg_distance).all()


def test_week_far_beyond_its_own_deviations_is_a_pump():
    risen = walk.copy()
    risen[-5:] *= np.exp(np.linspace(0.2, 1.0, 5))

    assert judged(risen).is_pumped.tolist() == [True]
    assert judged(walk).is_pumped.tolist() == [False]


def test_volume_far_beyond_its_own_is_a_pump():
    volumes = busy.copy()
    volumes[-1] *= 50

    assert judged(walk, volumes).is_pumped.tolist() == [True]


@pytest.mark.parametrize("known", [2, 29])
def test_beside_a_few_volumes_none_is_a_pump(known):
    volumes = nothing.copy()
    volumes[-known - 1 : -1] = busy[-known - 1 : -1]
    volumes[-1] = 1e9

    assert judged(walk, volumes).is_pumped.tolist() == [False]


def test_volume_that_never_moved_before_tells_no_pump():
    volumes = np.full(DAYS, 1e6)
    volumes[-1] += 1

    assert judged(walk, volumes).is_pumped.tolist() == [False]


def test_week_of_a_young_coin_tells_no_pump():
    young = np.r_[np.full(DAYS - 20, np.nan), 1.0 + 0.001 * np.arange(13), np.linspace(1.02, 1.6, 7)]

    assert judged(young).is_pumped.tolist() == [False]


def test_price_that_mostly_stands_still_is_stale():
    still = walk.copy()
    still[-90::3] = still[-91:-1:3]

    assert judged(still).is_stale.tolist() == [True]
    assert judged(walk).is_stale.tolist() == [False]


def test_bad_print_makes_no_case():
    printed = walk.copy()
    printed[300] *= 1e6
    found = judged(printed)

    assert found.standing.tolist() == [Standing.ORDINARY]
    assert np.flatnonzero(found.bad_prints[0]).tolist() == [300]
    assert found.observations.tolist() == [DAYS - 1]


@pytest.mark.filterwarnings("error")
def test_empty_panel_has_standings_without_a_warning():
    assert eligibility(np.empty((2, 0)), np.empty((2, 0))).standing.tolist() == [Standing.NO_HISTORY] * 2
