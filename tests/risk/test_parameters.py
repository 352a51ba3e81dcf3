import pytest

from risk import parameters
from risk.parameters import Parameters, ParametersRefused
from risk.quant import scoring


def test_defaults_are_what_the_formulas_were_tuned_with():
    assert (Parameters().penalty, Parameters().recent_share, Parameters().floor_of_stablecoins) == (
        scoring.PENALTY,
        scoring.RECENT_SHARE,
        scoring.STABLECOIN_FLOOR,
    )


def test_version_names_formulas_and_parameters(monkeypatch, tmp_path):
    version = parameters.version(Parameters())

    assert version.startswith("1.1.0-")
    assert len(version) == len("1.1.0-") + 8
    assert parameters.version(Parameters()) == version
    assert parameters.version(Parameters(penalty=0.02)) != version
    parameters._formulas.cache_clear()
    (tmp_path / "ridge.py").write_text("another formula")
    monkeypatch.setattr(parameters, "_FORMULAS", tmp_path)
    assert parameters.version(Parameters()) != version
    parameters._formulas.cache_clear()


def test_what_was_stored_is_read_back():
    chosen = Parameters(penalty=0.5, learning_dates=40)

    assert Parameters.of(chosen.stored()) == chosen


@pytest.mark.parametrize(
    "wrong",
    [
        {"penalty": 0.0},
        {"recent_share": 1.5},
        {"sentiment_cap": 6.0},
        {"sentiment_full": 1.0},
        {"hold_days": -1},
        {"calibration_dates": 60},
        {"reach_dates": 0},
        {"reach_dates": 13},
        {"reach_response": -0.1},
        {"reach_response": 1.1},
        {"penalty": float("nan")},
        {"penalty": float("inf")},
        {"sentiment_full": float("nan")},
        {"penalty": "much"},
        {"unknown": 1},
    ],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ParametersRefused):
        Parameters.of(Parameters().stored() | wrong)
