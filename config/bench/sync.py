"""A sync of the whole market: the product against `bulk_create(update_conflicts=True)` into one wide, indexed table."""

from importlib import import_module
from typing import Any

from django.db import connection

from config.bench.contest import Contest, Target, Work
from config.bench.dataset import COINS, Coins
from config.bench.errors import BenchFailed, require_same
from config.bench.stage import Stage
from config.kernel import clock
from markets.actions import quotes, raw_answers
from markets.models import Quote
from markets.providers.listings import Listings
from markets.providers.provider import RawAnswer
from markets.providers.registry import ProviderConfig, provider

FIRST_TICK = 1_000_000
"""Beyond every attempt's number."""

_PEER = "tests.performance.peers.wide_coin"


class Answers:
    """The pages of the attempt at hand; each attempt finds every price moved and every row newer."""

    def __init__(self, coins: Coins) -> None:
        self.coins = coins
        self._attempt = -1
        self._pages: list[RawAnswer] = []

    def of(self, attempt: int) -> list[RawAnswer]:
        if attempt != self._attempt:
            at = clock.now()
            self._pages = [
                RawAnswer("coingecko", f"/coins/markets?page={number}", 200, "application/json", body, at)
                for number, body in enumerate(self.coins.pages(tick=attempt, at=at), 1)
            ]
            self._attempt = attempt
        return self._pages


def store(answers: list[RawAnswer]) -> quotes.StoredQuotes:
    """What `markets.runs.sync` does with the pages of a provider once they have come."""
    gecko = provider("coingecko", ProviderConfig())
    pages = [gecko.parse_listings(answer.body, answer.received_at) for answer in answers]
    raw_answers.keep(*answers)
    return quotes.store(Listings.concat(pages), provider=gecko.name, at=clock.now())


def sync_contest(stage: Stage) -> Contest:
    """Both tables hold the whole market already; each attempt brings it a new answer."""
    peer = wide_coin()
    coins = Coins.make(stage.scaled(COINS))
    stage.say(f"bringing the market of {len(coins)} coins into both tables")
    answers = Answers(coins)
    peer.create_table()

    def ours(attempt: int) -> float:
        stored = store(answers.of(attempt))
        if stored.updated != len(coins):
            raise BenchFailed(f"{stored} of {len(coins)} coins")
        return len(coins)

    def theirs(attempt: int) -> float:
        return float(peer.upsert([answer.body for answer in answers.of(attempt)]))

    def before(attempt: int) -> None:
        answers.of(attempt)
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM markets_quote, {peer.WideCoin._meta.db_table}")
            cursor.execute("CHECKPOINT")

    for tick in (FIRST_TICK, FIRST_TICK + 1):  # the first makes the rows, the second changes them
        store(answers.of(tick))
        theirs(tick)
    require_same("quotes", _ours(), _theirs(peer))
    return Contest(
        f"sync of {len(coins)} coins",
        "coins",
        Work("sync", ours, before),
        Work("bulk_create(update_conflicts)", theirs, before),
        Target(at_most=0.25),
    )


def wide_coin() -> Any:
    """The reference's table, which is no part of the product."""
    try:
        return import_module(_PEER)
    except ModuleNotFoundError as error:
        raise BenchFailed(f"{_PEER} is missing: run the benchmark in a checkout.") from error


_COMPARED = ("price", "market_cap", "volume_24h", "rank", "change_24h", "max_supply", "as_of", "ath_at")


def _ours() -> list[tuple[Any, ...]]:
    return list(Quote.objects.order_by("asset__slug").values_list("asset__slug", "asset__symbol", *_COMPARED))


def _theirs(peer: Any) -> list[tuple[Any, ...]]:
    return list(peer.WideCoin.objects.order_by("slug").values_list("slug", "symbol", *_COMPARED))
