"""Suite `api`: the product behind its whole middleware against FastAPI, SQLAlchemy, asyncpg and Pydantic.

Both sides serve the same paths from the same rows, two processes each; all servers stay up together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson
from django.db import connection

from config.bench import servers
from config.bench.contest import Contest, Sample, Target
from config.bench.dataset import COINS, LAST_DAY, Coins, bars
from config.bench.errors import BenchFailed, require_same
from config.bench.load import load
from config.bench.servers import Server
from config.bench.stage import Stage
from config.bench.sync import Answers, store
from config.kernel import clock
from markets import sources
from markets.actions import bars as daily_bars
from markets.models import Asset

HISTORIES, DAYS = 500, 2_600
SECONDS = 4.0
QUICK_SECONDS = 1.0
LIST = "/api/v1/cryptocurrencies/"

Paths = Callable[[int], Sequence[str]]


@dataclass
class Load:
    """A side that answers requests; `paths` gives those of an attempt, fresh ones if nobody may have seen them."""

    name: str
    server: Server
    paths: Paths
    seconds: float
    fresh: bool = False
    authorization: str = ""

    def prepare(self, attempt: int) -> None:
        self.server.get(self.paths(0)[0], authorization=self.authorization)

    def measure(self, attempt: int) -> Sample:
        paths = self.paths(attempt)
        return load(self.server.port, paths, seconds=self.seconds, fresh=self.fresh, authorization=self.authorization)


@contextmanager
def contests(stage: Stage) -> Iterator[Sequence[Contest]]:
    """Lists, details and histories; the hello-world views of both frameworks are the context."""
    coins = Coins.make(stage.scaled(COINS))
    symbols = _fill(stage, coins)
    seconds = QUICK_SECONDS if stage.is_quick else SECONDS
    routes = Routes(coins, symbols, seconds)
    with ExitStack() as stack:
        product = stack.enter_context(servers.product(stage))
        fallback = stack.enter_context(servers.product(stage, snapshot=False))
        peer = stack.enter_context(servers.fastapi(stage, "fastapi_market", "FastAPI", ready=f"{LIST}?limit=1"))
        hello = stack.enter_context(servers.fastapi(stage, "fastapi_hello", "FastAPI hello", ready="/"))
        django_hello = stack.enter_context(servers.django_hello(stage))
        stage.say("comparing answers")
        for server in (product, fallback):
            _require_same_answers(server, peer, routes)

        def against_peer(
            name: str, target: float, paths: Paths, *, ours: Server = product, fresh: bool = False, tail: bool = False
        ) -> Contest:
            return Contest(
                name,
                "requests",
                Load(ours.name, ours, paths, seconds, fresh),
                Load(peer.name, peer, paths, seconds, fresh),
                Target(at_least=target),
                tail_below_median=tail,
            )

        yield [
            against_peer("list of 100, cached", 12, lambda attempt: [LIST], tail=True),
            against_peer("list of 100, filters not seen before", 6, routes.filtered, fresh=True, tail=True),
            against_peer("detail", 4, routes.details),
            against_peer("history of 365 points as objects, not seen before", 5, routes.year, fresh=True),
            against_peer("history of 2,000 points as objects, not seen before", 10, routes.long, fresh=True),
            against_peer(
                "list from PostgreSQL, filters not seen before", 1.5, routes.filtered, ours=fallback, fresh=True
            ),
            Contest(
                "hello world",
                "requests",
                Load(django_hello.name, django_hello, lambda attempt: ["/"], seconds),
                Load(hello.name, hello, lambda attempt: ["/"], seconds),
            ),
        ]


class Routes:
    """The paths to ask for. Fresh ones are counted through, so that no two attempts share one."""

    FILTERED, YEAR, LONG = 20_000, 8_000, 6_000  # a second: more than any server answers

    def __init__(self, coins: Coins, histories: Sequence[str], seconds: float) -> None:
        self._histories = histories
        self._seconds = seconds
        order = np.random.default_rng(1).permutation(len(coins))
        self._details = [f"{LIST}{coins.symbol[index]}" for index in order.tolist()]

    def details(self, attempt: int) -> Sequence[str]:
        return self._details

    def filtered(self, attempt: int) -> Sequence[str]:
        size = int(self.FILTERED * self._seconds)
        return [f"{LIST}?limit=100&min_market_cap={attempt * size + index}" for index in range(size)]

    def year(self, attempt: int) -> Sequence[str]:
        return self._history(attempt, int(self.YEAR * self._seconds), 365)

    def long(self, attempt: int) -> Sequence[str]:
        return self._history(attempt, int(self.LONG * self._seconds), 2_000)

    def _history(self, attempt: int, size: int, points: int) -> Sequence[str]:
        starts = DAYS - points - 20
        paths = []
        for number in range(attempt * size, (attempt + 1) * size):
            rest, asset = divmod(number, len(self._histories))
            more, start = divmod(rest, starts)
            day = LAST_DAY - timedelta(days=DAYS - 1 - start)
            # When all starts have been asked for, the next round asks for one point more or less.
            limit = points + (more + 1) // 2 * (1 if more % 2 else -1)
            paths.append(f"{LIST}{self._histories[asset]}/history?shape=objects&interval=1d&start={day}&limit={limit}")
        return paths


def _fill(stage: Stage, coins: Coins) -> list[str]:
    """Quotes and bars by the product's own deeds, copied into the peer's tables; the symbols with a history."""
    stage.say(f"storing {len(coins)} coins, and {DAYS} bars each of {stage.scaled(HISTORIES)}")
    store(Answers(coins).of(1))
    # Only symbols of one coin, so that both sides mean the same without asking.
    unique = [slug for slug, symbol in zip(coins.slug, coins.symbol, strict=True) if coins.symbol.count(symbol) == 1][
        : stage.scaled(HISTORIES)
    ]
    assets = list(Asset.objects.filter(slug__in=unique).order_by("pk"))
    ids = np.array([asset.pk for asset in assets], dtype=np.int32)
    daily_bars.store(bars(ids, days=DAYS, source_id=sources.id_of("bench")), at=clock.now())
    with connection.cursor() as cursor:
        for statement in _PEER_TABLES:
            cursor.execute(statement)
    with stage.database.connect() as maintenance:
        maintenance.execute("VACUUM ANALYZE")
        maintenance.execute("CHECKPOINT")
    return [asset.symbol for asset in assets]


# The peer's tables are as good as its authors could make them: one row per coin, and an index in the very order of
# the list.
_PEER_TABLES = (
    """
    CREATE TABLE peer_coin AS
    SELECT a.id, a.slug, a.symbol, a.name, a.image, q.rank, q.price, q.market_cap, q.volume_24h, q.change_1h,
           q.change_24h, q.change_7d, q.high_24h, q.low_24h, q.ath, q.ath_at, q.atl, q.atl_at, q.circulating_supply,
           q.total_supply, q.max_supply, a.description, a.website, NULL::text AS missing_reason,
           'observed'::text AS quality, s.name::text AS provider, q.as_of,
           q.as_of + CASE WHEN q.rank <= 50 THEN interval '10 minutes' ELSE interval '2 hours' END AS fresh_until,
           a.bars_from AS daily_from, a.bars_to AS daily_to
    FROM markets_asset a JOIN markets_quote q ON q.asset_id = a.id JOIN markets_source s ON s.id = q.source_id
    """,
    "ALTER TABLE peer_coin ADD PRIMARY KEY (id)",
    "CREATE UNIQUE INDEX ON peer_coin (slug)",
    "CREATE INDEX ON peer_coin (symbol)",
    "CREATE INDEX ON peer_coin (market_cap DESC NULLS LAST, id)",
    "CREATE INDEX ON peer_coin (volume_24h)",
    """
    CREATE TABLE peer_bar AS
    SELECT asset_id AS coin_id, day::timestamp AT TIME ZONE 'UTC' AS timestamp, close AS price, market_cap, volume
    FROM markets_dailybar ORDER BY asset_id, day
    """,
    "ALTER TABLE peer_bar ADD PRIMARY KEY (coin_id, timestamp)",
)


def _require_same_answers(ours: Server, theirs: Server, routes: Routes) -> None:
    """The same rows, values and counts on a sample of every kind of path."""
    for path in (LIST, f"{LIST}?limit=250", *routes.filtered(0)[:3], *routes.filtered(0)[5_000:5_003]):
        page, other = _json(ours, path), _json(theirs, path)
        require_same(f"count of {path}", page["count"], other["count"])
        require_same(
            path, [_comparable(row) for row in page["results"]], [_comparable(row) for row in other["results"]]
        )
    for path in routes.details(0)[:50]:
        require_same(path, _comparable(_json(ours, path)), _comparable(_json(theirs, path)))
    for path in (*routes.year(0)[:20], *routes.long(0)[:20]):
        points = _json(ours, path)["points"]
        if not points:
            raise BenchFailed(f"{path} is empty")
        require_same(path, points, _json(theirs, path)["points"])


def _json(server: Server, path: str) -> Any:
    return orjson.loads(server.get(path))


_INSTANTS = ("as_of", "ath_at", "atl_at")


def _comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with instants for their texts, and without what depends on the second of asking or only we know."""
    instants = {name: datetime.fromisoformat(row[name]) for name in _INSTANTS if row.get(name)}
    return {name: value for name, value in row.items() if name not in ("age_seconds", "risk")} | instants
