from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from markets.providers import roster
from markets.providers.bars import NUMBERS, Bars, day_number
from markets.providers.errors import NotFound
from markets.providers.listings import INSTANTS, Listings
from markets.providers.listings import NUMBERS as QUOTE_NUMBERS
from markets.providers.normalise import microseconds
from markets.providers.simulated import Simulated
from markets.providers.simulation import DEPEG, LISTED_BY, PEG_BOUND, SimulatedMarket

END = date(2026, 1, 1)
DAYS = 800


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    return SimulatedMarket(7, 120, DAYS, END)


@pytest.fixture(scope="module")
def bars(market: SimulatedMarket) -> Bars:
    return Bars.concat(market.bars())


@pytest.fixture(scope="module")
def returns(market: SimulatedMarket) -> np.ndarray:
    """Of the coins that neither are pegged nor collapse, days x coins."""
    free = [place for place, coin in enumerate(market.coins) if coin.kind in ("free", "thin")]
    return np.diff(np.log(market.paths(0, DAYS).close[:, free]), axis=0)


def _column(market: SimulatedMarket, symbol: str) -> int:
    return next(place for place, coin in enumerate(market.coins) if coin.symbol == symbol)


def _same(one: Bars, other: Bars) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ("code", "day", *NUMBERS)
    ) and (one.keys, one.symbols, one.names) == (other.keys, other.symbols, other.names)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(market, bars) -> None:
    assert _same(Bars.concat(SimulatedMarket(7, 120, DAYS, END).bars()), bars)
    assert not _same(Bars.concat(SimulatedMarket(8, 120, DAYS, END).bars()), bars)


def test_more_assets_leave_the_others_as_they_are(market) -> None:
    larger = SimulatedMarket(7, 600, DAYS, END)

    assert larger.coins[:120] == market.coins
    assert larger.listed[:120].tolist() == market.listed.tolist()
    np.testing.assert_array_equal(larger.paths(0, DAYS).close[:, :120], market.paths(0, DAYS).close)


def test_blocks_differ_from_each_other() -> None:
    market = SimulatedMarket(7, 600, 100, END)
    sizes = [len(part.keys) for part in market.bars()]
    first, second = (np.diff(np.log(market.paths(place, 100).close), axis=0) for place in market.blocks())

    assert sizes == [500, 100]
    assert abs(np.corrcoef(first[:, 90], second[:, 90])[0, 1]) < 0.95
    assert len({coin.slug for coin in market.coins}) == 600


def test_going_on_beyond_the_window_changes_nothing_within(market) -> None:
    longer, window = market.paths(0, DAYS + 30), market.paths(0, DAYS)

    for name in ("open", "high", "low", "close", "volume", "traded"):
        np.testing.assert_array_equal(getattr(longer, name)[:DAYS], getattr(window, name))


def test_bars_are_whole(market, bars) -> None:
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low > 0)
    assert np.all((bars.volume > 0) | np.isnan(bars.volume))
    np.testing.assert_allclose(bars.market_cap, bars.close * market.supply[bars.code])
    assert (bars.day.min(), bars.day.max()) == (day_number(market.start), day_number(END) - 1)
    assert bars.sources == ["simulated"]
    assert all(name.endswith(" (simulated)") for name in bars.names)
    assert bars.symbols[:2] == ["BTC", "ETH"]


def test_a_day_opens_where_the_one_before_closed(market) -> None:
    paths = market.paths(0, DAYS)

    np.testing.assert_array_equal(paths.open[1:], paths.close[:-1])


def test_tails_are_fat(returns) -> None:
    centred = returns - returns.mean(axis=0)
    excess_kurtosis = (centred**4).mean(axis=0) / centred.var(axis=0) ** 2 - 3

    assert np.all(excess_kurtosis > 0.5)


def test_volatility_clusters(returns) -> None:
    sizes = np.abs(returns - returns.mean(axis=0))
    autocorrelation = [np.corrcoef(column[1:], column[:-1])[0, 1] for column in sizes.T]
    direction = [np.corrcoef(column[1:], column[:-1])[0, 1] for column in returns.T]

    assert np.mean(autocorrelation) > 0.08
    assert abs(np.mean(direction)) < 0.05


def test_coins_fall_together_and_large_ones_most(returns) -> None:
    correlations = np.corrcoef(returns.T)
    pairs = correlations[np.triu_indices(len(correlations), 1)]

    assert 0.25 < pairs.mean() < 0.65
    assert correlations[0, 1] > pairs.mean()


def test_on_the_day_of_a_crash_nearly_everything_falls(market, returns) -> None:
    assert [crash.name for crash in market.crashes] == ["Liquidity crunch", "Leverage flush", "Exchange failure"]
    for crash in market.crashes:
        day = (crash.day - market.start).days
        assert np.median(returns[day - 1]) < crash.severity / 2


def test_pegged_coins_stay_at_the_peg_but_for_one_episode_of_one_coin(market) -> None:
    paths = market.paths(0, DAYS)
    pegged = [place for place, coin in enumerate(market.coins) if coin.kind == "pegged"]
    broken = _column(market, roster.DEPEGGING)
    distance = np.abs(np.log(paths.close[:, pegged]))
    away = np.flatnonzero(np.abs(np.log(paths.close[:, broken])) > PEG_BOUND)

    assert len(pegged) == 4
    assert distance[:, [place != broken for place in pegged]].max() <= PEG_BOUND
    assert away.tolist() == list(range(320, 320 + len(DEPEG)))
    assert 0.8 < paths.close[:, broken].min() < 0.92


def test_one_coin_collapses_to_nothing_and_stays_there(market) -> None:
    close = market.paths(0, DAYS).close[:, _column(market, "SLST")]

    assert close[:480].min() / close.max() > 0.05
    assert close[484:].max() / close.max() < 1e-2
    assert 0 < close[-1] / close.max() < 1e-3


def test_two_coins_share_a_symbol(market) -> None:
    assert [coin.slug for coin in market.coins if coin.symbol == "GLOW"] == ["glow-network", "glowworm"]


def test_thin_coins_miss_days_and_volumes_and_others_do_not(market, bars) -> None:
    counts = np.bincount(bars.code)
    for place, coin in enumerate(market.coins):
        listed_days = DAYS - market.listed[place]
        unknown = np.isnan(bars.volume[bars.code == place])
        if coin.kind == "thin":
            assert counts[place] < 0.95 * listed_days
            assert unknown.any()
        else:
            assert counts[place] == listed_days
            assert not unknown.any()


def test_coins_are_listed_over_the_first_half_and_the_named_ones_at_once(market) -> None:
    assert market.listed[: roster.NAMED].max() == 0
    assert 0.3 < (market.listed[roster.NAMED :] > 0).mean() < 0.7
    assert market.listed.max() < LISTED_BY * DAYS


@pytest.mark.parametrize(("seed", "assets", "days"), [(-1, 1, 1), (0, 0, 1), (0, 1, 0)])
def test_a_market_of_nothing_is_refused(seed: int, assets: int, days: int) -> None:
    with pytest.raises(ValueError, match="a market needs"):
        SimulatedMarket(seed, assets, days, END)


def test_a_short_window_may_end_before_the_events() -> None:
    assert len(Bars.concat(SimulatedMarket(1, 40, 1, END).bars())) >= 38


# --- the provider

MOMENT = datetime(2026, 1, 5, 13, 7, 31, 5, tzinfo=UTC)


def _quotes(market: SimulatedMarket, at: datetime, limit: int = 1000) -> Listings:
    return Listings.concat(page for _, page in Simulated(market).listings(limit, at))


def test_a_listing_is_the_same_for_the_same_moment_and_another_a_minute_later(market) -> None:
    once, again = _quotes(market, MOMENT), _quotes(market, MOMENT)
    later = _quotes(market, MOMENT + timedelta(minutes=1))

    assert [once.row(i) for i in range(len(once))] == [again.row(i) for i in range(len(again))]
    assert once.price[0] != later.price[0]
    assert abs(np.log(later.price / once.price)).max() < 0.1


def test_a_listing_is_whole_and_in_the_order_of_caps(market) -> None:
    quotes = _quotes(market, MOMENT)

    assert (len(quotes), quotes.rejects, quotes.repeats) == (120, [], 0)
    assert quotes.rank.tolist() == list(range(1, 121))
    assert np.all(np.diff(quotes.market_cap) <= 0)
    np.testing.assert_allclose(quotes.market_cap, quotes.price * quotes.circulating_supply)
    assert np.all((quotes.low_24h <= quotes.price) & (quotes.price <= quotes.high_24h))
    assert np.all((quotes.atl <= quotes.low_24h) & (quotes.high_24h <= quotes.ath))
    assert set(quotes.as_of.tolist()) == {microseconds(MOMENT)}
    assert np.all(quotes.ath_at <= quotes.as_of)
    assert {tags[0] for tags in quotes.categories} >= {"layer-1", "stablecoin", "defi", "meme", "exchange"}
    assert [len(getattr(quotes, name)) for name in (*QUOTE_NUMBERS, *INSTANTS)] == [120] * 17


@pytest.mark.parametrize("day", [0, 5, DAYS - 1, DAYS + 20])
def test_quotes_run_through_the_bars(market, day: int) -> None:
    paths = market.paths(0, day + 1)
    midnight = datetime.combine(market.start + timedelta(days=day), datetime.min.time(), UTC)
    place = {coin.slug: index for index, coin in enumerate(market.coins)}

    def column(values: np.ndarray, quotes: Listings) -> np.ndarray:
        return values[day, [place[slug] for slug in quotes.slug]]

    opening = _quotes(market, midnight)
    np.testing.assert_allclose(opening.price, column(paths.open, opening))
    for hour in (3, 11, 19):
        quotes = _quotes(market, midnight + timedelta(hours=hour))
        assert np.all(quotes.price <= column(paths.high, quotes) * (1 + 1e-12))
        assert np.all(quotes.price >= column(paths.low, quotes) * (1 - 1e-12))
    closing = _quotes(market, midnight + timedelta(days=1) - timedelta(microseconds=1))
    np.testing.assert_allclose(closing.price, column(paths.close, closing), rtol=1e-6)


def test_changes_are_against_the_quotes_of_then(market) -> None:
    provider = Simulated(market)

    def price(at: datetime) -> dict[str, float]:
        page = Listings.concat(page for _, page in provider.listings(1000, at))
        return dict(zip(page.external_id, page.price.tolist(), strict=True))

    quotes = _quotes(market, MOMENT)
    for column, span in ((quotes.change_1h, 1 / 24), (quotes.change_24h, 1), (quotes.change_7d, 7)):
        then = price(MOMENT - timedelta(days=span))
        expected = [100 * (now / then[slug] - 1) for slug, now in zip(quotes.slug, quotes.price, strict=True)]
        np.testing.assert_allclose(column, expected, atol=1e-6)


def test_on_its_first_day_a_coin_has_no_changes(market) -> None:
    quotes = _quotes(market, datetime.combine(market.start, datetime.min.time(), UTC) + timedelta(minutes=30))

    assert np.isnan([quotes.change_1h, quotes.change_24h, quotes.change_7d]).all()
    assert len(quotes) == int((market.listed == 0).sum())


def test_before_the_market_there_is_nothing(market) -> None:
    pages = list(Simulated(market).listings(10, datetime(2020, 1, 1, tzinfo=UTC)))

    assert [len(page) for _, page in pages] == [0]


def test_pages_are_of_250_and_end_at_the_limit() -> None:
    market = SimulatedMarket(3, 600, 20, END)
    pages = list(Simulated(market).listings(300, MOMENT))

    assert [len(page) for _, page in pages] == [250, 50]
    answer, page = pages[1]
    assert (answer.provider, answer.received_at, answer.endpoint) == ("simulated", MOMENT, "/listings?first=250")
    again = Simulated(market).parse_listings(answer.body, MOMENT)
    assert [again.row(i) for i in range(50)] == [page.row(i) for i in range(50)]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"columns":{}}', b'{"columns":{"external_id":[1]}}'])
def test_a_page_that_is_none_is_one_reject(market, body: bytes) -> None:
    page = Simulated(market).parse_listings(body, MOMENT)

    assert [reject.reason for reject in page.rejects] == ["malformed_json"]


def test_history_is_that_of_the_bars_and_goes_on_to_yesterday(market, bars) -> None:
    provider = Simulated(market)
    place = _column(market, "ETH")
    own = bars.take(bars.code == place)

    answer, history = provider.daily_history("ethereum", date(2025, 12, 20), date(2026, 2, 1), MOMENT)

    assert answer is None
    assert (history.keys, history.symbols, history.sources) == (["ethereum"], ["ETH"], ["simulated"])
    assert [str(day) for day in history.dates[[0, -1]]] == ["2025-12-20", "2026-01-04"]
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(history, name)[:12], getattr(own, name)[-12:])


def test_history_of_nobody_or_of_no_days(market) -> None:
    provider = Simulated(market)

    with pytest.raises(NotFound):
        provider.daily_history("nobody", date(2025, 1, 1), END, MOMENT)
    assert len(provider.daily_history("bitcoin", END, END, MOMENT)[1]) == 0
    assert [reject.reason for reject in provider.parse_history(b"x", "bitcoin", MOMENT).rejects] == ["malformed_json"]
