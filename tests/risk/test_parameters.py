import pytest

from risk import parameters
from risk.parameters import Parameters, ParametersRefused
from risk.quant import formulas, scoring


def test_defaults_are_what_the_formulas_were_tuned_with():
    assert (Parameters().penalty, Parameters().recent_share, Parameters().floor_of_stablecoins) == (
        scoring.PENALTY,
        scoring.RECENT_SHARE,
        scoring.STABLECOIN_FLOOR,
    )


def test_version_names_formulas_and_parameters(monkeypatch):
    version = parameters.version(Parameters())

    assert version.startswith("1.2.0-")
    assert len(version) == len("1.2.0-") + 8
    assert parameters.version(Parameters()) == version
    assert parameters.version(Parameters(penalty=0.02)) != version
    monkeypatch.setattr(formulas, "digest", lambda: b"another formula")
    assert parameters.version(Parameters()) != version


def test_what_was_stored_is_read_back():
    chosen = Parameters(penalty=0.5, learning_dates=40)

    assert Parameters.of(chosen.stored()) == chosen


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"penalty": 0.0}, "Give a number above 0."),
        ({"penalty": float("nan")}, "Give a number above 0."),
        ({"penalty": float("inf")}, "Give a number above 0."),
        ({"penalty": "much"}, "Give a number."),
        ({"penalty": None}, "Give a number."),
        ({"recent_share": 1.5}, "Give a share, from 0 to 1."),
        ({"floor_of_stablecoins": 91}, "Give points from 0 to 90."),
        ({"sentiment_cap": 6.0}, "Give points from 0 to 5: news add no more."),
        ({"sentiment_from": -1}, "Give deviations, 0 or more."),
        ({"sentiment_full": 1.0}, "Give more deviations than sentiment_from, at which points begin."),
        ({"hold_days": -1}, "Give days from 0 to 365."),
        ({"hold_days": 7.5}, "Give a whole number."),
        ({"hold_days": "a week"}, "Give a whole number."),
        ({"hold_days": float("inf")}, "Give a whole number."),
        ({"learning_dates": 201}, "Give dates from 2 to 200."),
        (
            {"calibration_dates": 60},
            "Give at least 1 date, and fewer than learning_dates, of which they are the latest.",
        ),
        (
            {"unknown": 1},
            "There is no such parameter; there are penalty, recent_share, floor_of_stablecoins, sentiment_cap,"
            " sentiment_from, sentiment_full, hold_days, learning_dates, calibration_dates, reach_dates,"
            " reach_response.",
        ),
        ({"reach_dates": 0}, "Give at least 1 date, and no more than calibration_dates."),
        ({"reach_dates": 13}, "Give at least 1 date, and no more than calibration_dates."),
        ({"reach_response": -0.1}, "Give a share, from 0 to 1."),
        ({"reach_response": 1.1}, "Give a share, from 0 to 1."),
    ],
)
def test_impossible_parameters_are_refused_and_told_what_to_do(wrong, complaint):
    (name,) = wrong

    with pytest.raises(ParametersRefused) as refusal:
        Parameters.of(Parameters().stored() | wrong)

    assert refusal.value.details["fields"] == {name: [complaint]}
    assert refusal.value.message.endswith(f"{name}: {complaint}")


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ParametersRefused) as refusal:
        Parameters(penalty=-1, hold_days=1_000)

    assert refusal.value.message == (
        "These are not the parameters of a risk model. hold_days: Give days from 0 to 365."
        " penalty: Give a number above 0."
    )


def test_a_parameter_that_is_missing_is_asked_for():
    stored = Parameters().stored()
    del stored["penalty"]

    with pytest.raises(ParametersRefused) as refusal:
        Parameters.of(stored)

    assert refusal.value.details["fields"] == {"penalty": ["Give it, too; the default is 0.01."]}


def test_texts_are_read_as_numbers():
    chosen = Parameters.of(Parameters().stored() | {"penalty": "0.5", "hold_days": "7"})

    assert chosen == Parameters(penalty=0.5, hold_days=7)
