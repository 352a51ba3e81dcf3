from risk.backtest_table import COLUMNS
from tests.risk.factories import BacktestFactory


def cells(result: dict[str, object]) -> dict[str, str]:
    return {column.title: column.said(result) for column in COLUMNS}


def test_every_figure_has_its_column():
    assert cells(BacktestFactory.build().results[0]) == {
        "method": "combined",
        "level": "99",
        "forecasts": "3650",
        "hits %": "1.10",
        "95 % interval": "0.74-1.62",
        "AS": "+0.026",
        "assets": "10",
        "Kupiec %": "90.0",
        "Chr. %": "80.0",
        "DQ %": "77.8",
        "sim. %": "88.9",
        "g/y/r %": "70/30/0",
        "FZ0": "2.872",
        "less FHS": "-0.029",
        "p": "0.046",
        "MCS 10 %": "in 0.919",
    }


def test_what_could_not_be_told_is_a_dash():
    said = cells({"method": "historical", "baseline": True, "level": 0.95, "rate": None})

    assert (said.pop("method"), said.pop("level")) == ("historical*", "95")
    assert set(said.values()) == {"-"}


def test_method_that_the_confidence_set_drops_is_out():
    assert (
        cells({"method": "x", "level": 0.95, "in_confidence_set": False, "confidence_set_p_value": 0.04})["MCS 10 %"]
        == "out 0.040"
    )
