import pytest

from markets.admin import amounts

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (None, "-"),
        (0.0, "0.00"),
        (4_970.788, "4,970.79"),
        (1.0, "1.00"),
        (0.99951, "0.9995"),
        (0.1, "0.1000"),
        (0.000004227, "0.000004227"),
        (1.23456e-12, "0.000000000001235"),
        (1.23456e-18, "1.235e-18"),
        (1e21, "1,000,000,000,000,000,000,000.00"),
    ],
)
def test_price_shows_cents_or_four_significant_digits(price: float | None, text: str) -> None:
    assert amounts.usd(price) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.0, "0"), (98_003_426_674.4, "98,003,426,674")])
def test_large_amount_has_no_decimals(value: float | None, text: str) -> None:
    assert amounts.whole(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (1.936, "+1.94\xa0%"), (-12_345.6, "-12,345.60\xa0%"), (0.0, "+0.00\xa0%")]
)
def test_change_has_a_sign(value: float | None, text: str) -> None:
    assert amounts.per_cent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(20_000.0, "20,000"), (2.5, "2.5"), (1.0, "1"), (0.5, "0.5"), (2e-06, "0.000002"), (5e-13, "5.0e-13")],
)
def test_round_number_has_no_trailing_zeros(value: float, text: str) -> None:
    assert amounts.short(value) == text
