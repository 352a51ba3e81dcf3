"""Bad input through the whole engine, from the bars in the database to the answer of the API.

Whatever comes, every asset has a row, with a score and its doubts or without and with a reason; nobody crashes, nothing
turns into a zero, and the neighbours in the same chunk are what they are without it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from config.kernel import clock
from markets.actions import market
from markets.models import Asset, PriceBlock
from risk.actions import risk_models
from risk.models import RiskScore, ScoreChunk, ScoreRun
from risk.quant import families
from risk.quant.garch.search import search
from risk.quant.status import Status
from risk.runs import course, scoring
from tests.markets.factories import AssetFactory
from tests.risk.markets import LAST, NOON, coin, perform_all, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Prices = NDArray[np.float64]
WALK = walk(400, seed=1)
BELIEVED = ["market_cap_unknown", "news_unknown"]
NO_DAYS = "Fewer than 14 days with a price."
NO_MOVES = "Its prices do not move, or are too far apart for returns: no volatility to measure."


def spike(factor: float, at: int = 300) -> Prices:
    prices = WALK.copy()
    prices[at] *= factor
    return prices


def every(days: int) -> Prices:
    return np.where(np.arange(400) % days == 399 % days, WALK, np.nan)


SERIES: Mapping[str, tuple[Prices, str, str]] = {
    # What becomes of it, and why there is no score.
    "constant": (np.full(400, 7.0), "not_measurable", NO_MOVES),
    "one-bar": (WALK[:1], "insufficient_history", NO_DAYS),
    "two-prices": (WALK[:2], "insufficient_history", NO_DAYS),
    "all-gaps": (every(30), "not_measurable", NO_MOVES),
    "wide-gaps": (every(5), "not_measurable", NO_MOVES),
    "few-gaps": (every(100), "insufficient_history", NO_DAYS),
    "million": (spike(1e6), "ok", ""),
    "millionth": (spike(1e-6), "ok", ""),
    "last-million": (spike(1e6, at=399), "ok", ""),
    "tiny": (WALK * 1e-300, "ok", ""),
    "huge": (WALK * 1e300, "ok", ""),
    "smallest": (np.r_[WALK[:399], 5e-324], "ok", ""),
    "largest": (np.r_[WALK[:399], 1.7e308], "ok", ""),
    "from-end-to-end": (np.where(np.arange(400) % 2, 1e-300, 1e300), "not_measurable", NO_MOVES),
}


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def run() -> ScoreRun:
    """A run by jobs, in one chunk; the one before, if there is one, makes room."""
    ScoreRun.objects.update(state=ScoreRun.State.FAILED, error="Once more.")
    scoring.request(None, scoring.Parameters(as_of=LAST.isoformat()), at=NOON)
    assert {job.state for job in perform_all()} == {"succeeded"}
    found = ScoreRun.objects.finished().get()
    assert ScoreChunk.objects.filter(run=found).count() == 1
    return found


@pytest.fixture
def neighbours() -> dict[int, RiskScore]:
    """Everybody but the bad one, without it."""
    simulated()
    risk_models.register(at=NOON)
    return rows(run())


def rows(of: ScoreRun) -> dict[int, RiskScore]:
    return {row.asset_id: row for row in RiskScore.objects.filter(run=of)}


def measured(row: RiskScore) -> dict[str, Any]:
    """What was measured of an asset alone: neither ranks nor what follows from them."""
    kept = ("status", "tail", "observations", "bad_prints", "data_from", "data_to", "input_hash", "seed", "is_stale")
    alone = [(entry["name"], entry["value"], entry["n"]) for entry in row.measurements]
    return {name: getattr(row, name) for name in kept} | {"alone": alone, "flags": (row.is_pumped, row.is_stablecoin)}


def whole(row: RiskScore) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in RiskScore._meta.concrete_fields} | dict.fromkeys(
        ["id", "run_id", "calculated_at", "previous_id"]
    )


def scored_beside(
    neighbours: Mapping[int, RiskScore], bad: Asset, same: Callable[[RiskScore], dict[str, Any]] = measured
) -> RiskScore:
    """The row of the bad one, after its neighbours were compared with what they are without it."""
    found = rows(run())
    assert found.keys() == {*neighbours, bad.pk}
    for asset_id, row in neighbours.items():
        assert same(found[asset_id]) == same(row)
    return found[bad.pk]


def says_so(client: Client, row: RiskScore) -> dict[str, Any]:
    """The API's answer: a score that adds up, or none and why; never a number that JSON does not know."""

    def no_number(word: str) -> None:
        pytest.fail(f"{word} in an answer")

    market.touch(at=NOON)
    answer = client.get(f"/api/v1/cryptocurrencies/{row.asset.slug}/risk")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = json.loads(answer.content, parse_constant=no_number)
    assert (body["status"], body["score"], body["reason"]) == (row.status, row.score, row.reason or None)
    assert body["explanation"]
    if row.score is None:
        assert row.reason
        assert (row.percentile, row.sigma, row.band, row.contributions, row.score_low_90) == (None, None, "", [], None)
        assert (body["factors"], body["intervals"]) == ([], [])
    else:
        assert sum(factor["points"] for factor in body["factors"]) == pytest.approx(row.score, abs=1e-9)
        assert row.score > 0
    return body


@pytest.mark.parametrize("name", SERIES)
def test_series(client: Client, neighbours: dict[int, RiskScore], name: str) -> None:
    prices, status, reason = SERIES[name]
    bad = coin(name, prices)

    row = scored_beside(neighbours, bad)

    assert (row.status, row.reason) == (status, reason)
    assert row.observations + row.bad_prints == int((prices > 0).sum())
    says_so(client, row)


@pytest.mark.parametrize("name", [name for name, (_, status, _) in SERIES.items() if status == "insufficient_history"])
def test_what_has_no_history_changes_no_digit_of_any_neighbour(neighbours: dict[int, RiskScore], name: str) -> None:
    scored_beside(neighbours, coin(name, SERIES[name][0]), same=whole)


@pytest.mark.parametrize("name", ["million", "millionth"])
def test_a_print_that_is_not_believed_is_a_doubt(neighbours: dict[int, RiskScore], name: str) -> None:
    honest = scored_beside(neighbours, coin("honest", WALK))
    Asset.objects.filter(slug="honest").update(is_active=False)
    row = scored_beside(neighbours, coin(name, SERIES[name][0]))

    assert (row.bad_prints, row.confidence_reasons) == (1, ["bad_prints", *BELIEVED])
    assert row.sigma == pytest.approx(honest.sigma, rel=0.02)


@pytest.mark.parametrize("name", ["tiny", "huge"])
def test_the_unit_of_a_price_does_not_matter(neighbours: dict[int, RiskScore], name: str) -> None:
    honest = scored_beside(neighbours, coin("honest", WALK))
    Asset.objects.filter(slug="honest").update(is_active=False)
    row = scored_beside(neighbours, coin(name, SERIES[name][0]))

    assert row.confidence_reasons == honest.confidence_reasons == BELIEVED
    assert row.score == pytest.approx(honest.score, abs=1e-6)
    for entry, before in zip(row.tail, honest.tail, strict=True):
        assert entry["expected_shortfall"] == pytest.approx(before["expected_shortfall"], rel=1e-9)


class TestBytes:
    """What the door of the storage refuses may still stand in the bytes that the engine reads."""

    @staticmethod
    def coin_with(change: Callable[[Prices], None]) -> Asset:
        asset = coin("torn", WALK)
        for block in PriceBlock.objects.filter(asset=asset):
            close = np.frombuffer(block.close, "<f8").copy()
            change(close)
            PriceBlock.objects.filter(pk=block.pk).update(close=close.tobytes())
        return asset

    @pytest.mark.parametrize("price", [np.inf, -np.inf, np.nan, -1.0, 0.0])
    def test_single_price_that_is_none_was_not_observed(
        self, client: Client, neighbours: dict[int, RiskScore], price: float
    ) -> None:
        def change(close: Prices) -> None:
            close[40] = price  # in February of two years

        row = scored_beside(neighbours, self.coin_with(change))

        assert (row.status, row.observations, row.confidence_reasons) == ("ok", 398, BELIEVED)
        says_so(client, row)

    @pytest.mark.parametrize("price", [np.inf, np.nan, -1.0, 0.0])
    def test_prices_that_are_none_are_no_history(
        self, client: Client, neighbours: dict[int, RiskScore], price: float
    ) -> None:
        row = scored_beside(neighbours, self.coin_with(lambda close: close.fill(price)), same=whole)

        assert (row.status, row.reason) == ("no_history", "There is no daily price of it.")
        assert (row.observations, row.data_from, row.data_to) == (0, None, None)
        says_so(client, row)

    @pytest.mark.parametrize("column", ["close", "volume", "market_cap", "sources"])
    @pytest.mark.parametrize("torn", [b"", b"torn", b"\0" * 2, b"\0" * 8])
    def test_bytes_that_are_no_vector_fail_their_asset_alone(
        self, client: Client, neighbours: dict[int, RiskScore], column: str, torn: bytes
    ) -> None:
        bad = coin("torn", WALK)
        PriceBlock.objects.filter(asset=bad).update(**{column: torn})

        row = scored_beside(neighbours, bad, same=whole)

        assert (row.status, row.reason) == ("failed", "It could not be worked out: ValueError.")
        says_so(client, row)


@pytest.mark.parametrize(
    ("library", "method", "reasons"),
    [
        (families.fit, "combined", ["library_fit", *BELIEVED]),
        (lambda returns, *, family: families._nothing(Status.NOT_CONVERGED), "asymmetric_filtered", BELIEVED),
    ],
)
def test_garch_that_does_not_converge_is_the_library_s_or_leaves_the_method_that_needs_none(
    client: Client,
    neighbours: dict[int, RiskScore],
    monkeypatch: pytest.MonkeyPatch,
    library: Any,
    method: str,
    reasons: list[str],
) -> None:
    lost: list[int] = []

    def lost_for_one(problem: Any, mean: Prices, warm: Prices) -> Any:
        points, is_converged, evaluations = search(problem, mean, warm)
        lost.extend(np.flatnonzero(problem.sequences.size == 619))
        return points, is_converged & (problem.sequences.size != 619), evaluations

    monkeypatch.setattr("risk.quant.garch.fits.search", lost_for_one)
    monkeypatch.setattr(families, "fit", library)
    row = scored_beside(neighbours, coin("stubborn", walk(620, seed=1)))

    assert lost
    assert (row.status, row.confidence_reasons) == ("ok", reasons)
    assert {entry["method"] for entry in row.tail} == {method}
    says_so(client, row)
    monkeypatch.setattr("risk.quant.garch.fits.search", search)
    again = rows(run())[row.asset_id]
    assert {entry["method"] for entry in again.tail} == {"combined"}
    assert again.confidence_reasons == BELIEVED


def test_volumes_and_caps_that_are_not_there(client: Client, neighbours: dict[int, RiskScore]) -> None:
    row = scored_beside(neighbours, coin("quiet", WALK, volume=[None] * 400))

    assert (row.status, row.confidence, row.bucket) == ("ok", "medium", "unknown_short")
    assert row.confidence_reasons == ["volume_unknown", *BELIEVED]
    body = says_so(client, row)
    liquidity = next(factor for factor in body["factors"] if factor["component"] == "liquidity")
    values = {entry["name"]: entry["value"] for entry in liquidity["measurements"]}
    assert (values["median_volume"], values["price_impact"]) == (None, None)


def test_an_asset_without_a_single_bar(client: Client, neighbours: dict[int, RiskScore]) -> None:
    row = scored_beside(neighbours, AssetFactory.create(slug="silent"), same=whole)

    assert (row.status, row.reason) == ("no_history", "There is no daily price of it.")
    says_so(client, row)


def test_an_asset_listed_after_the_run_was_begun_waits_for_the_next(
    client: Client, neighbours: dict[int, RiskScore]
) -> None:
    ScoreRun.objects.update(state=ScoreRun.State.FAILED, error="Once more.")
    scoring.request(None, scoring.Parameters(as_of=LAST.isoformat()), at=NOON)
    perform_all(most=1)
    late = coin("late", WALK)
    perform_all()
    found = rows(ScoreRun.objects.finished().get())

    assert {asset_id: whole(row) for asset_id, row in found.items()} == {
        asset_id: whole(row) for asset_id, row in neighbours.items()
    }
    body = client.get("/api/v1/cryptocurrencies/late/risk").json()
    assert (body["status"], body["score"]) == ("not_scored", None)
    assert body["reason"] == "No finished run of this model has seen this asset."
    assert rows(run())[late.pk].status == "ok"


def test_a_chunk_of_nothing_but_bad_ones_has_a_row_each(client: Client) -> None:
    simulated()
    model = risk_models.register(at=NOON)
    bad = [coin(name, prices) for name, (prices, _, _) in SERIES.items()]
    torn = coin("torn", WALK)
    PriceBlock.objects.filter(asset=torn).update(close=b"torn")
    plan = course.plan(model, LAST, at=NOON, asset_ids=[asset.pk for asset in (*bad, torn)])

    found = {row.asset.slug: row for row in course.preview(plan)}

    assert {name: row.status for name, row in found.items()} == {
        **{name: status for name, (_, status, _) in SERIES.items()},
        "torn": "failed",
    }
    for row in found.values():
        assert (row.score is None) == bool(row.reason)
