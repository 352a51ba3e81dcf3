import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.sentiment import mentions
from markets.sentiment.mentions import Candidate, Directory

COINS = [
    Candidate(1, "BTC", "Bitcoin", 1),
    Candidate(2, "ETH", "Ethereum", 2),
    Candidate(3, "BCH", "Bitcoin Cash", 15),
    Candidate(4, "NEAR", "NEAR Protocol", 20),
    Candidate(5, "ONE", "Harmony", 150),
    Candidate(6, "GAS", "Gas", 200),
    Candidate(7, "SOL", "Solana", 5),
    Candidate(8, "COMP", "Compound", 80),
    Candidate(9, "DOT", "Polkadot", 12),
    Candidate(10, "SEC", "Secret Coin", 5_000),
    Candidate(11, "TRMP", "Washington", 9_000),
    Candidate(12, "GLOW", "Glow Network", None),
    Candidate(13, "BTC", "Batcat", 4_000),
    Candidate(14, "XRP", "XRP", 4),
]
SYMBOLS = {coin.asset_id: coin.symbol for coin in COINS}
DIRECTORY = Directory.of(COINS)


def found(text: str) -> list[tuple[str, str, str]]:
    return [(SYMBOLS[said.asset_id], said.matched_by, said.term) for said in mentions.find(text, DIRECTORY)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bitcoin slips", [("BTC", "name", "Bitcoin")]),
        ("why bitcoin slips", [("BTC", "name", "bitcoin")]),
        ("Stolen funds sit in ether", [("ETH", "name", "ether")]),
        ("Bitcoin Cash forks", [("BCH", "name", "Bitcoin Cash")]),
        ("DOT sinks 2%", [("DOT", "ticker", "DOT")]),
        ("$sol and $BTC up", [("SOL", "cashtag", "$sol"), ("BTC", "cashtag", "$BTC")]),
        ("Solana's fees", [("SOL", "name", "Solana")]),
        ("Solana\u2019s fees", [("SOL", "name", "Solana")]),
        ("ETH/BTC falls", [("ETH", "ticker", "ETH"), ("BTC", "ticker", "BTC")]),
        ("(XRP)", [("XRP", "name", "XRP")]),
        ("Bitcoin, bitcoin, BTC, $BTC", [("BTC", "name", "Bitcoin")]),
        ("$NEAR jumps", [("NEAR", "cashtag", "$NEAR")]),
        ("NEAR token falls", [("NEAR", "ticker", "NEAR")]),
        ("NEAR Protocol upgrades", [("NEAR", "name", "NEAR Protocol")]),
        ("$GAS fees", [("GAS", "cashtag", "$GAS")]),
        ("Harmony (ONE) bridge", [("ONE", "name", "Harmony")]),
        ("Compound token votes", [("COMP", "name", "Compound")]),
        ("Glow Network token dies", [("GLOW", "name", "Glow Network")]),
        ("$GLOW dies", [("GLOW", "cashtag", "$GLOW")]),
    ],
)
def test_an_asset_is_known_by_its_names(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "One of the best days, near a record",
        "ONE day, NEAR you",
        "GAS prices rise, Gas too",
        "Losses Compound in Harmony",
        "SEC replies to Washington",
        "glow network",
        "Glow Network at night",
        "President to Gas Crypto Bill",
        "dot the i, sol mio",
        "$5 and 3 apples",
        "$",
        "PARTLY DOT SINKS AS EVERYBODY SHOUTS",
        "",
    ],
)
def test_a_word_that_means_something_else_is_no_mention(text: str) -> None:
    assert found(text) == []


def test_of_two_assets_with_one_symbol_the_larger_is_meant() -> None:
    assert [said.asset_id for said in mentions.find("$BTC", DIRECTORY)] == [1]


@given(st.text(max_size=200))
def test_whatever_the_text_each_asset_is_mentioned_once(text: str) -> None:
    ids = [said.asset_id for said in mentions.find(text, DIRECTORY)]

    assert len(ids) == len(set(ids))


def test_nobody_is_mentioned_where_nobody_is_listed() -> None:
    assert mentions.find("Bitcoin $BTC BTC", Directory.of([])) == []
