import pytest

from markets.sentiment import events, scorer


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Curve pool hacked for $50M", "hack"),
        ("Attacker drained the bridge", "hack"),
        ("Binance won't reimburse users after $100M hack", "hack"),
        ("Exchange denies refunds following exploit", "hack"),
        ("Users flee as stablecoin depegs to $0.88", "depeg"),
        ("Algorithmic coin loses its dollar peg", "depeg"),
        ("Exchange delists three privacy coins", "delisting"),
        ("Lender files for bankruptcy", "insolvency"),
        ("Platform suspends customer withdrawals", "insolvency"),
        ("SEC sues the exchange over unregistered securities", "regulation"),
        ("Seoul prosecutors open probe", "regulation"),
        ("Coinbase to list the token", "listing"),
        ("Token debuts on Kraken", "listing"),
        ("Solana suffers five-hour outage", "outage"),
        ("Chain stopped producing blocks", "outage"),
    ],
)
def test_an_event_is_asserted(text: str, kind: str) -> None:
    assert scorer.assess(text).events == (kind,)


@pytest.mark.parametrize(
    "text",
    [
        "No evidence of a hack, exchange says",
        "Kraken denies bankruptcy rumors",
        "Team thwarts exploit before any loss",
        "Rumors of insolvency are false",
        "Token recovers from exploit",
        "Stablecoin rebounds from depeg",
        "2016 DAO hack revisited",
        "Anniversary of the Mt. Gox hack",
        "Bitfinex hacker sentenced to five years",
        "Hackathon draws a thousand builders",
        "Five lists of coins to watch",
        "Analyst compares Bitcoin with gold",
        "",
    ],
)
def test_what_is_denied_or_over_or_another_thing_is_no_event(text: str) -> None:
    said = scorer.assess(text)

    assert (said.events, said.possible_events) == ((), ())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Binance may delist XMR", "delisting"),
        ("Is the lender insolvent?", "insolvency"),
        ("Researchers fear an exploit of the bridge", "hack"),
        ("Lawmakers weigh a crypto ban", "regulation"),
        ("Alleged hack shakes holders", "hack"),
    ],
)
def test_a_guess_is_only_possible(text: str, kind: str) -> None:
    said = scorer.assess(text)

    assert (said.events, said.possible_events) == ((), (kind,))


@pytest.mark.parametrize(("year", "events"), [(2025, ("hack",)), (2026, ()), (None, ())])
def test_an_event_with_the_name_of_its_own_year_is_not_over(year: int | None, events: tuple[str, ...]) -> None:
    assert scorer.assess("Bybit suffers largest 2025 hack yet", year=year).events == events


def test_a_denial_reaches_no_further_than_its_clause() -> None:
    assert scorer.assess("No depeg so far; bridge hacked again").events == ("hack",)


def test_what_is_asserted_is_not_possible_as_well() -> None:
    said = scorer.assess("Exchange hacked. Could the hack spread?")

    assert (said.events, said.possible_events) == (("hack",), ())


def test_a_denied_event_does_not_darken_the_tone() -> None:
    assert scorer.assess("No evidence of a hack").tone == 0
    assert scorer.assess("Token recovers from exploit").tone > 0
    assert scorer.assess("Token hit by exploit").tone < 0


def test_events_name_the_words_and_where_they_stand() -> None:
    text = "Bridge hacked"

    (event,) = events.find(text)

    assert (event.kind, event.standing, text[event.start : event.end]) == ("hack", "asserted", "hacked")
