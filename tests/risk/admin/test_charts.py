"""Pictures are drawn on the server: what is in them, and where they break."""

import re
from datetime import timedelta
from xml.etree.ElementTree import fromstring

import pytest

from risk.admin.fan import fan_chart
from risk.admin.waterfall import waterfall_chart
from risk.models import RiskScore
from tests.risk.factories import DAY

pytestmark = pytest.mark.unit


def parts(**points: float) -> list[dict[str, object]]:
    return [{"component": component, "points": value} for component, value in points.items()]


def bars(picture: str) -> list[tuple[str, float, float]]:
    found = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', picture)
    return [(kind, float(left), float(width)) for kind, left, width in found]


def test_each_bar_begins_where_the_one_before_ended_and_the_last_reaches_the_score() -> None:
    picture = waterfall_chart(parts(base=60.0, volatility=-20.0, market=5.0), 45.0, title="T")

    [base, volatility, market, score] = bars(str(picture))
    per_point = base[2] / 60
    assert [kind for kind, _, _ in (base, volatility, market, score)] == ["start", "lowers", "raises", "score"]
    assert volatility[1] + volatility[2] == pytest.approx(base[1] + base[2], abs=0.2)
    assert volatility[2] == pytest.approx(20 * per_point, abs=0.2)
    assert market[1] == pytest.approx(volatility[1], abs=0.2)
    assert score[1] + score[2] == pytest.approx(market[1] + market[2], abs=0.2)


def test_a_way_that_leaves_the_scale_stays_in_the_picture() -> None:
    picture = waterfall_chart(parts(base=60.0, volatility=70.0, death=-30.0), 100.0, title="T")

    assert all(left >= 0 and left + width <= 960 for _, left, width in bars(str(picture)))


def test_a_picture_is_well_formed_and_says_in_words_what_it_shows() -> None:
    picture = waterfall_chart(parts(base=60.0, volatility=-20.0), 40.0, title="<Coin> & more")

    root = fromstring(str(picture))  # noqa: S314  # of our own making
    assert root.findtext("{*}title") == "<Coin> & more"
    assert root.findtext("{*}desc") == "base +60.00, volatility -20.00, score 40.00"


def test_without_a_score_there_is_no_picture() -> None:
    assert waterfall_chart([], None, title="T") is None
    assert fan_chart([], title="T") is None
    assert fan_chart([RiskScore(as_of=DAY)], title="T") is None


def scored(offset: int, *, with_interval: bool = True) -> RiskScore:
    ends = {"score_low_80": 30.0, "score_high_80": 50.0, "score_low_90": 20.0, "score_high_90": 60.0}
    return RiskScore(as_of=DAY + timedelta(days=offset), score=40.0, **ends if with_interval else {})


def path(picture: object, name: str) -> list[str]:
    return re.findall(rf'<path class="{name}" d="([^"]*)"', str(picture))


def test_the_line_breaks_where_a_day_is_missing_or_has_no_score() -> None:
    picture = fan_chart(
        [scored(0), scored(1), scored(3), RiskScore(as_of=DAY + timedelta(days=4)), scored(5)], title="T"
    )

    [line] = path(picture, "line")
    assert line.count("M") == 3
    assert line.count("h0") == 2  # a lone day is a dot


def test_intervals_break_where_nothing_is_forecast() -> None:
    picture = fan_chart([scored(0), scored(1), scored(2, with_interval=False)], title="T")

    wide, narrow = path(picture, "interval")
    assert wide.count("Z") == narrow.count("Z") == 1
    assert path(picture, "line")[0].count("M") == 1


def test_intervals_of_a_lone_day_have_a_breadth() -> None:
    for drawn in path(fan_chart([scored(0)], title="T"), "interval"):
        across = {float(pair.split(" ")[0]) for pair in drawn[1:-1].split("L")}

        assert max(across) - min(across) == 6.0


def test_the_wide_interval_holds_the_narrow_one() -> None:
    wide, narrow = path(fan_chart([scored(0), scored(1)], title="T"), "interval")

    def heights(drawn: str) -> list[float]:
        return [float(pair.split(" ")[1]) for pair in drawn[1:-1].split("L")]

    assert min(heights(wide)) < min(heights(narrow)) < max(heights(narrow)) < max(heights(wide))


def test_the_chart_says_in_words_how_well_the_last_score_is_measured() -> None:
    ends = {"estimate_low_90": 36.5, "estimate_high_90": 43.25}
    measured = RiskScore(as_of=DAY, score=40.0, estimate_basis="fitted", **ends)

    assert "The last score itself is measured to between 36.5 and 43.2 at a nominal 90 %." in str(
        fan_chart([scored(-1), measured], title="T")
    )
    assert "How well the last score is measured is not known." in str(fan_chart([measured, scored(1)], title="T"))
