import gzip
import json
import lzma
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from markets.providers.bars import Bars
from markets.providers.errors import Malformed, TooLarge
from markets.providers.file import DailyFile

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = "symbol,name,date,open,high,low,close,volume,market_cap,source,mcap_source"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def text(*lines: str, name: str = "prices.csv", end: str = "\n") -> Path:
        content = (end.join(lines) + end).encode()
        packers: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress}
        path = tmp_path / name
        path.write_bytes(packers.get(path.suffix, bytes)(content))
        return path

    return text


def _read(path: Path, *, symbols: list[str] | None = None, **options: Any) -> Bars:
    return Bars.concat(DailyFile(path, **options).batches(AT, symbols=symbols))


def _told(bars: Bars) -> list[tuple[Any, ...]]:
    return [
        (bars.keys[bars.code[i]], str(bars.dates[i]), float(bars.close[i]), bars.sources[bars.source_code[i]])
        for i in range(len(bars))
    ]


LINES = (
    HEADER,
    "BTC,Bitcoin,2026-01-01,10,12,9,11,100,1000,cmc,cmc",
    'ETH,"Ether, the",2026-01-01,1,1.2,0.9,1.1,,,yahoo,supply_interp',
    "BTC,Bitcoin,2026-01-02,11,13,10,12,1.5E2,1.1e3,cmc,",
)


@pytest.mark.parametrize("name", ["prices.csv", "prices.csv.gz", "prices.csv.xz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_is_read_whatever_its_packing(write, name: str, end: str) -> None:
    path = write(*LINES, name=name, end=end)

    bars = _read(path)

    assert _told(bars) == [
        ("BTC", "2026-01-01", 11.0, "cmc"),
        ("ETH", "2026-01-01", 1.1, "yahoo"),
        ("BTC", "2026-01-02", 12.0, "cmc"),
    ]
    assert (bars.keys, bars.symbols, bars.names) == (["BTC", "ETH"], ["BTC", "ETH"], ["Bitcoin", "Ether, the"])
    assert bars.open.tolist() == [10.0, 1.0, 11.0]
    assert bars.high.tolist() == [12.0, 1.2, 13.0]
    assert bars.low.tolist() == [9.0, 0.9, 10.0]
    np.testing.assert_array_equal(bars.volume, [100.0, np.nan, 150.0])
    np.testing.assert_array_equal(bars.market_cap, [1000.0, np.nan, 1100.0])
    assert bars.estimated.tolist() == [False, True, False]
    assert bars.rejects == []
    assert DailyFile(path).scan() == 3


def test_parquet_is_read_in_whatever_types_it_stores(tmp_path: Path) -> None:
    days = [datetime(2026, 1, 1), datetime(2026, 1, 2, 23, 59), None]  # noqa: DTZ001 - as files store them
    price = pa.array([1.0, 2.0, 3.0], pa.float32())
    symbol = pa.array(["A", "A", "A"]).dictionary_encode()
    columns: dict[str, Any] = {
        "timestamp[ms]": pa.array(days, pa.timestamp("ms")),
        "timestamp[ns, UTC]": pa.array(days, pa.timestamp("ns", tz="UTC")),
        "date32": pa.array([day and day.date() for day in days], pa.date32()),
        "string": pa.array(["2026-01-01", "2026-01-02 23:59:59", None]),
    }
    for kind, column in columns.items():
        path = tmp_path / "p.parquet"
        pq.write_table(pa.table({"symbol": symbol, "price": price, "date": column}), path)

        bars = _read(path)

        assert _told(bars) == [("A", "2026-01-01", 1.0, "file"), ("A", "2026-01-02", 2.0, "file")], kind
        assert [(reject.line, reject.reason) for reject in bars.rejects] == [(3, "bad_type")]
        assert DailyFile(path).scan() == 3


def test_other_names_of_columns_are_known(write) -> None:
    bars = _read(write("Id,Symbol,Timestamp,Price,Cap", "bitcoin,btc,2026-01-01T00:00:00Z,5,50"))

    assert (bars.keys, bars.symbols, bars.names) == (["bitcoin"], ["btc"], [""])
    assert (bars.close.tolist(), bars.market_cap.tolist()) == ([5.0], [50.0])


def test_a_close_dated_by_the_midnight_that_ends_its_day_is_shifted_when_asked(write) -> None:
    path = write("id,date,price", "bitcoin,2026-01-01,5")

    assert _told(_read(path))[0][1] == "2026-01-01"
    assert _told(_read(path, day_shift=-1))[0][1] == "2025-12-31"


def test_zeros_that_stand_for_unknown_are_missing(write) -> None:
    bars = _read(write(HEADER, "AAVE,Aave,2026-01-01,0.0,0.5,-1,0.5,0.0,0,cmc,"))

    assert np.isnan([bars.open[0], bars.low[0], bars.market_cap[0]]).all()
    assert (bars.high[0], bars.close[0], bars.volume[0]) == (0.5, 0.5, 0.0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A,,2026-01-05,1,1,1,0,1,1,,", "zero_price"),
        ("A,,2026-01-05,1,1,1,-1,1,1,,", "negative"),
        ("A,,2026-01-05,1,1,1,1,-1,1,,", "negative"),
        ("A,,2026-01-05,1,1,1,1,1,-1,,", "negative"),
        ("A,,2026-01-05,1,1,1,,1,1,,", "missing_field"),
        ("A,,2026-01-05,1,1,1,nan,1,1,,", "missing_field"),
        ("A,,2026-01-05,1,1,1,inf,1,1,,", "not_finite"),
        ("A,,2026-01-05,1,1,1,1e400,1,1,,", "not_finite"),
        ("A,,2026-01-05,1,1,1,1,inf,1,,", "not_finite"),
        ("A,,2026-01-05,1,1,1,one,1,1,,", "bad_type"),
        ("A,,2026-01-05,1,1,1,1,x,1,,", "bad_type"),
        ("A,,2026-01-05,1,1,2,1,1,1,,", "high_below_low"),
        ("A,,2026-03-02,1,1,1,1,1,1,,", "future_timestamp"),
        ("A,,2009-01-02,1,1,1,1,1,1,,", "ancient_timestamp"),
        ("A,,1970-01-01,1,1,1,1,1,1,,", "ancient_timestamp"),
        ("A,,05/01/2026,1,1,1,1,1,1,,", "bad_type"),
        ("A,,,1,1,1,1,1,1,,", "bad_type"),
        (",,2026-01-05,1,1,1,1,1,1,,", "missing_field"),
        ("A" * 201 + ",,2026-01-05,1,1,1,1,1,1,,", "text_too_long"),
        ("A,,2026-01-05,1,1", "bad_type"),
        ("A,,2026-01-05,1,1,1,1,1,1,,,,,", "bad_type"),
        ("B,,2026-01-01,1,1,1,1,1,1,,", "duplicate"),
    ],
)
def test_a_bad_row_names_its_line_and_reason_and_its_neighbours_stay(write, row: str, reason: str) -> None:
    good = ("B,,2026-01-01,1,1,1,1,1,1,,", "", "C,,2026-01-01,1,1,1,1,1,1,,")
    bars = _read(write(HEADER, *good, row, "D,,2026-01-01,1,1,1,1,1,1,,"))

    assert bars.keys == ["B", "C", "D"]
    assert [(reject.line, reject.reason) for reject in bars.rejects] == [(5, reason)]
    assert bars.rows_in == 4


def test_the_reject_holds_the_row(write) -> None:
    bars = _read(write("symbol,date,close", "A,2026-01-01,0"))

    assert json.loads(bars.rejects[0].raw) == {"symbol": "A", "date": "2026-01-01", "close": "0"}
    assert bars.rejects[0].external_id == "A"


def test_bytes_that_are_no_text_cost_their_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(b"symbol,date,close\nA,2026-01-01,1\nB,2026-01-01,\xff\nC,\xfe,1\nD,2026-01-01,1\n")

    bars = _read(path)

    assert bars.keys == ["A", "D"]
    assert [(reject.line, reject.reason) for reject in bars.rejects] == [(3, "bad_type"), (4, "bad_type")]


def test_batches_number_lines_and_remember_days_across_each_other(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("markets.providers.file.BATCH_BYTES", 256)
    rows = [f"C{number % 7},{date.fromordinal(738_000 + number // 7)},{number + 1}" for number in range(700)]
    rows[300] = "broken"
    rows[400] = rows[13]
    rows[500] = ""
    rows[650] = "C1,2026-01-01,0"
    path = write("symbol,date,close", *rows)

    batches = list(DailyFile(path).batches(AT))
    bars = Bars.concat(batches)

    assert len(batches) > 10
    assert [(reject.line, reject.reason) for reject in bars.rejects] == [
        (302, "bad_type"),
        (402, "duplicate"),
        (652, "zero_price"),
    ]
    assert len(bars) == 696
    assert len(bars.keys) == 7


def test_parquet_batches_number_rows_across_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("markets.providers.file.BATCH_ROWS", 10)
    days = [date.fromordinal(738_000 + number) for number in range(35)]
    days[33] = days[2]
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"symbol": ["A"] * 35, "date": days, "close": [1.0] * 35}), path)

    bars = _read(path)

    assert [(reject.line, reject.reason) for reject in bars.rejects] == [(34, "duplicate")]
    assert len(bars) == 34


def test_many_coins_on_one_day_are_told_apart(write) -> None:
    bars = _read(write("symbol,date,close", *(f"C{number},2026-01-01,1" for number in range(1000))))

    assert (len(bars), len(bars.keys)) == (1000, 1000)


def test_days_are_remembered_when_many_coins_have_come_since(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("markets.providers.file.BATCH_BYTES", 256)
    rows = [f"C{number},2026-01-01,1" for number in range(300)]

    bars = _read(write("symbol,date,close", *rows, rows[0]))

    assert [(reject.line, reject.reason, reject.external_id) for reject in bars.rejects] == [(302, "duplicate", "C0")]
    assert len(bars) == 300


def test_more_coins_than_a_market_has_is_no_price_file(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("markets.providers.daily_rows.COIN_LIMIT", 3)

    with pytest.raises(TooLarge, match="more than 3 coins"):
        _read(write("symbol,date,close", *(f"C{number},2026-01-01,1" for number in range(4))))


def test_only_the_wanted_coins_are_read_by_symbol_or_id_in_any_case(write) -> None:
    path = write(
        "id,symbol,date,close",
        "bitcoin,btc,2026-01-01,1",
        "ethereum,eth,2026-01-01,-1",
        "monero,xmr,2026-01-01,3",
    )
    bars = _read(path, symbols=["BTC", "Monero"])

    assert (bars.keys, bars.rejects) == (["bitcoin", "monero"], [])


@pytest.mark.parametrize(
    ("header", "missing"),
    [("date,close", "symbol"), ("symbol,close", "date"), ("symbol,date", "close"), ("", "symbol, date, close")],
)
def test_a_file_without_a_required_column_is_malformed(write, header: str, missing: str) -> None:
    with pytest.raises(Malformed, match=f"no column {missing} among"):
        _read(write(header, "1,2"))


def test_a_file_that_is_not_what_its_name_says_is_malformed(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.csv.gz", "a.csv.xz"):
        path = tmp_path / name
        path.write_bytes(b"symbol,date,close\nA,2026-01-01,1\n")

        with pytest.raises(Malformed, match=name):
            _read(path)
        with pytest.raises(Malformed, match=name):
            DailyFile(path).scan()


def test_a_file_that_breaks_off_is_malformed(write) -> None:
    path = write(
        "symbol,date,close", *(f"C{number},2026-01-01,{number + 1}" for number in range(50_000)), name="a.csv.gz"
    )
    path.write_bytes(path.read_bytes()[:-2000])

    with pytest.raises(Malformed):
        _read(path)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DailyFile(tmp_path / "none.csv").scan()


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.csv.xz"])
def test_a_decompression_bomb_stops_at_the_cap(write, name: str) -> None:
    path = write("symbol,date,close", " " * 30_000_000, name=name)

    assert path.stat().st_size < 50_000
    for read in (DailyFile(path, byte_cap=1_000_000).scan, lambda: _read(path, byte_cap=1_000_000)):
        with pytest.raises(TooLarge):
            read()


def test_a_parquet_bomb_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    # One repeated float: dictionary pages shrink it, the plain size is what the cap is about.
    table = pa.table(
        {"symbol": ["A"] * 1000, "date": ["2026-01-01"] * 1000, "close": np.random.default_rng(1).random(1000)}
    )
    pq.write_table(table, path, use_dictionary=False)

    with pytest.raises(TooLarge):
        _read(path, byte_cap=5_000)


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("symbol,date,close\nA,2026-01-01,1")

    assert DailyFile(path).scan() == 1
    assert len(_read(path)) == 1


def test_a_file_with_a_header_alone_has_no_bars(write) -> None:
    path = write("symbol,date,close")

    assert (DailyFile(path).scan(), len(_read(path))) == (0, 0)


@pytest.mark.real_data
def test_the_real_panel_is_read_without_a_loss(real_data: Path) -> None:
    file = DailyFile(real_data / "daily" / "prices.parquet")
    bars = Bars.concat(file.batches(AT))

    assert (file.scan(), len(bars), len(bars.keys), bars.rejects) == (741_457, 741_457, 589, [])
    assert int(bars.estimated.sum()) == 131_329
    assert sorted(bars.sources) == ["binance1h", "cmc", "yahoo", "yahoo2026"]
    bitcoin = bars.take((bars.code == bars.keys.index("BTC")) & (bars.dates == np.datetime64("2020-03-12")))
    assert bitcoin.close.tolist() == [4970.79]
    aave = bars.take((bars.code == bars.keys.index("AAVE")) & (bars.dates == np.datetime64("2020-10-02")))
    assert np.isnan([aave.open[0], aave.low[0]]).all()
    assert (aave.high[0], aave.close[0]) == (0.516571, 0.516571)


@pytest.mark.real_data
def test_the_small_panel_says_what_the_large_one_says(real_data: Path) -> None:
    small = _read(real_data / "daily" / "starter_36coins_2019-06_2025-06.csv.gz")
    large = _read(real_data / "daily" / "prices.parquet", symbols=small.keys)
    of_large = {row[:2]: row[2:] for row in _told(large)}
    pairs = [(row[2:], of_large[row[:2]]) for row in _told(small) if row[0] in set(large.keys)]

    assert (len(small), len(small.keys), small.rejects) == (69_261, 36, [])
    assert len(pairs) == 58_332  # six of its coins are not in the large one
    assert [mine[1] for mine, _ in pairs] == [other[1] for _, other in pairs]
    # The small one is rounded.
    np.testing.assert_allclose([mine[0] for mine, _ in pairs], [other[0] for _, other in pairs], rtol=1e-5)


@pytest.mark.real_data
def test_the_panel_that_dates_by_the_next_midnight_is_shifted(real_data: Path) -> None:
    bars = _read(real_data / "daily" / "coingecko_2021_1150coins.parquet", day_shift=-1)

    assert (len(bars), len(bars.keys), bars.rejects) == (314_207, 1_150, [])
    assert (str(bars.dates.min()), str(bars.dates.max())) == ("2020-12-31", "2021-12-30")
    assert bars.symbols[bars.keys.index("0chain")] == "zcn"
