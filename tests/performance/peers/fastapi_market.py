"""The market's hot routes on FastAPI, SQLAlchemy 2 (async, ORM), asyncpg and Pydantic response models, done well.

The fields and values are the product's, over tables of its own: one wide row per coin, an index in the order of the
list, double precision, a session per request, uvloop and httptools, no access log, no authentication, no limits.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, load_only, mapped_column

PREFIX = "/api/v1/cryptocurrencies"
address = urlsplit(os.environ["PEER_DATABASE_URL"])
options = parse_qs(address.query)


async def connect() -> asyncpg.Connection:
    return await asyncpg.connect(
        host=options["host"][0],
        port=int(options["port"][0]),
        user=unquote(address.username or ""),
        password=unquote(address.password or ""),
        database=unquote(address.path[1:]),
        server_settings={"statement_timeout": "5s", "jit": "off"},
    )


engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, pool_size=16, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()

Float = DOUBLE_PRECISION(asdecimal=False)
Instant = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    type_annotation_map = {float: Float, datetime: Instant}


class Coin(Base):
    __tablename__ = "peer_coin"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]
    symbol: Mapped[str]
    name: Mapped[str]
    image: Mapped[str]
    rank: Mapped[int | None]
    price: Mapped[float | None]
    market_cap: Mapped[float | None]
    volume_24h: Mapped[float | None]
    change_1h: Mapped[float | None]
    change_24h: Mapped[float | None]
    change_7d: Mapped[float | None]
    circulating_supply: Mapped[float | None]
    missing_reason: Mapped[str | None]
    quality: Mapped[str | None]
    provider: Mapped[str | None]
    as_of: Mapped[datetime | None]
    fresh_until: Mapped[datetime]
    high_24h: Mapped[float | None]
    low_24h: Mapped[float | None]
    ath: Mapped[float | None]
    ath_at: Mapped[datetime | None]
    atl: Mapped[float | None]
    atl_at: Mapped[datetime | None]
    total_supply: Mapped[float | None]
    max_supply: Mapped[float | None]
    description: Mapped[str]
    website: Mapped[str]
    daily_from: Mapped[date | None]
    daily_to: Mapped[date | None]

    @property
    def stale(self) -> bool:
        return self.fresh_until <= datetime.now(UTC)


class Bar(Base):
    __tablename__ = "peer_bar"

    coin_id: Mapped[int] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    price: Mapped[float]
    market_cap: Mapped[float | None]
    volume: Mapped[float | None]


class Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    symbol: str
    name: str
    slug: str
    image: str
    rank: int | None
    price: float | None
    market_cap: float | None
    volume_24h: float | None
    change_1h: float | None
    change_24h: float | None
    change_7d: float | None
    circulating_supply: float | None
    missing_reason: str | None
    quality: str | None
    provider: str | None
    as_of: datetime | None
    stale: bool


class Page(BaseModel):
    count: int
    next: str | None
    previous: str | None
    results: list[Row]


class Candidate(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    slug: str
    symbol: str
    name: str
    market_cap: float | None


class Match(BaseModel):
    by: str
    ambiguous: bool
    candidates: list[Candidate]


class Extent(BaseModel):
    daily_from: date | None
    daily_to: date | None


class Detail(Row):
    high_24h: float | None
    low_24h: float | None
    ath: float | None
    ath_at: datetime | None
    atl: float | None
    atl_at: datetime | None
    total_supply: float | None
    max_supply: float | None
    description: str
    website: str
    categories: list[str]
    age_seconds: int | None
    history: Extent
    match: Match


class Point(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    timestamp: datetime
    price: float
    market_cap: float | None
    volume: float | None


class History(BaseModel):
    points: list[Point]


async def open_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]
LISTED = load_only(*(getattr(Coin, name) for name in ("id", "fresh_until", *Row.model_fields) if name != "stale"))


@app.get(PREFIX + "/", response_model=Page)
async def list_coins(
    session: Session,
    limit: Annotated[int, Query(ge=1, le=250)] = 100,
    min_market_cap: Annotated[float | None, Query(ge=0)] = None,
):
    conditions = [] if min_market_cap is None else [Coin.market_cap >= min_market_cap]
    count = await session.scalar(select(func.count()).select_from(Coin).where(*conditions))
    rows = await session.scalars(
        select(Coin)
        .options(LISTED)
        .where(*conditions)
        .order_by(Coin.market_cap.desc().nulls_last(), Coin.id)
        .limit(limit)
    )
    coins = rows.all()
    following = f"{PREFIX}/?limit={limit}&after={coins[-1].id}" if len(coins) == limit else None
    return {"count": count, "next": following, "previous": None, "results": coins}


async def find(session: AsyncSession, symbol: str) -> list[Coin]:
    found = await session.scalars(
        select(Coin).where(Coin.symbol == symbol.upper()).order_by(Coin.market_cap.desc().nulls_last(), Coin.id)
    )
    coins = list(found)
    if not coins:
        raise HTTPException(404)
    return coins


@app.get(PREFIX + "/{symbol}", response_model=Detail)
async def show_coin(session: Session, symbol: str):
    coins = await find(session, symbol)
    coin = coins[0]
    values = {name: value for name, value in vars(coin).items() if not name.startswith("_")}
    age = None if coin.as_of is None else max(0, round((datetime.now(UTC) - coin.as_of).total_seconds()))
    return {
        **values,
        "stale": coin.stale,
        "categories": [],
        "age_seconds": age,
        "history": {"daily_from": coin.daily_from, "daily_to": coin.daily_to},
        "match": {"by": "symbol", "ambiguous": len(coins) > 1, "candidates": coins},
    }


@app.get(PREFIX + "/{symbol}/history", response_model=History)
async def show_history(
    session: Session,
    symbol: str,
    start: date,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 100,
    shape: str = "objects",
    interval: str = "1d",
):
    coin_id = await session.scalar(select(Coin.id).where(Coin.symbol == symbol.upper()).limit(1))
    if coin_id is None:
        raise HTTPException(404)
    first = datetime(start.year, start.month, start.day, tzinfo=UTC)
    bars = await session.scalars(
        select(Bar).where(Bar.coin_id == coin_id, Bar.timestamp >= first).order_by(Bar.timestamp).limit(limit)
    )
    return {"points": bars.all()}
