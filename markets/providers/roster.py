"""The coins of the simulated market: which ones there are, and how each behaves."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["free", "pegged", "collapsing", "thin"]


@dataclass(frozen=True, slots=True)
class SimulatedCoin:
    """A coin and the price and market cap, in US dollars, at which its simulated life starts."""

    symbol: str
    name: str
    slug: str
    category: str
    price: float
    market_cap: float
    kind: Kind = "free"


# The first coins bear familiar symbols, so that examples read naturally. Their numbers are made up, and their
# names say so.
_FAMILIAR: tuple[tuple[str, str, str, str, float, float], ...] = (
    ("BTC", "Bitcoin", "bitcoin", "layer-1", 42_000.0, 820e9),
    ("ETH", "Ethereum", "ethereum", "layer-1", 2_300.0, 276e9),
    ("USDT", "Tether", "tether", "stablecoin", 1.0, 95e9),
    ("BNB", "BNB", "bnb", "exchange", 310.0, 47e9),
    ("SOL", "Solana", "solana", "layer-1", 98.0, 42e9),
    ("XRP", "XRP", "xrp", "payments", 0.60, 32e9),
    ("USDC", "USDC", "usdc", "stablecoin", 1.0, 26e9),
    ("ADA", "Cardano", "cardano", "layer-1", 0.55, 19e9),
    ("AVAX", "Avalanche", "avalanche", "layer-1", 36.0, 13e9),
    ("DOGE", "Dogecoin", "dogecoin", "meme", 0.09, 12.6e9),
    ("DOT", "Polkadot", "polkadot", "layer-1", 7.8, 9.9e9),
    ("TRX", "TRON", "tron", "layer-1", 0.105, 9.3e9),
    ("LINK", "Chainlink", "chainlink", "oracle", 14.5, 8.2e9),
    ("LTC", "Litecoin", "litecoin", "payments", 72.0, 5.3e9),
    ("SHIB", "Shiba Inu", "shiba-inu", "meme", 9.6e-06, 5.6e9),
    ("DAI", "Dai", "dai", "stablecoin", 1.0, 5.3e9),
    ("BCH", "Bitcoin Cash", "bitcoin-cash", "payments", 250.0, 4.9e9),
    ("ATOM", "Cosmos", "cosmos", "layer-1", 10.2, 3.9e9),
    ("UNI", "Uniswap", "uniswap", "defi", 6.6, 3.95e9),
    ("XLM", "Stellar", "stellar", "payments", 0.118, 3.3e9),
    ("OKB", "OKB", "okb", "exchange", 54.0, 3.2e9),
    ("XMR", "Monero", "monero", "privacy", 160.0, 2.9e9),
    ("ETC", "Ethereum Classic", "ethereum-classic", "layer-1", 22.0, 3.1e9),
    ("FIL", "Filecoin", "filecoin", "storage", 5.6, 2.7e9),
    ("NEAR", "NEAR Protocol", "near", "layer-1", 3.4, 3.4e9),
    ("AAVE", "Aave", "aave", "defi", 98.0, 1.44e9),
    ("MKR", "Maker", "maker", "defi", 1_750.0, 1.6e9),
    ("ALGO", "Algorand", "algorand", "layer-1", 0.19, 1.5e9),
    ("CRO", "Cronos", "cronos", "exchange", 0.09, 2.3e9),
    ("PEPE", "Pepe", "pepe", "meme", 1.2e-06, 0.5e9),
)
# Invented ones with a part to play.
_CAST = (
    SimulatedCoin("SLST", "Solstice (simulated)", "solstice", "layer-1", 64.0, 21e9, "collapsing"),
    SimulatedCoin("HUSD", "Harbor Dollar (simulated)", "harbor-dollar", "stablecoin", 1.0, 4.1e9, "pegged"),
    SimulatedCoin("GLOW", "Glow Network (simulated)", "glow-network", "layer-1", 1.7, 0.42e9),
    SimulatedCoin("GLOW", "Glowworm (simulated)", "glowworm", "meme", 0.003, 0.03e9),
    SimulatedCoin("QUAY", "Quay (simulated)", "quay", "defi", 0.8, 0.004e9, "thin"),
    SimulatedCoin("TARN", "Tarn (simulated)", "tarn", "storage", 0.05, 0.002e9, "thin"),
)
NAMED = len(_FAMILIAR) + len(_CAST)
DEPEGGING = "HUSD"

CATEGORIES = ("layer-1", "stablecoin", "defi", "meme", "exchange", "payments", "oracle", "privacy", "storage", "gaming")
_FREE_CATEGORIES = tuple(category for category in CATEGORIES if category != "stablecoin")
_LETTERS = "BCDFGHJKLMNPRSTVWZ"
_VOWELS = "AEIOU"


def coin(index: int) -> SimulatedCoin:
    """The coin at a place of the endless roster: the familiar ones, then the cast, then invented ones."""
    if index < len(_FAMILIAR):
        symbol, name, slug, category, price, cap = _FAMILIAR[index]
        kind: Kind = "pegged" if category == "stablecoin" else "free"
        return SimulatedCoin(symbol, f"{name} (simulated)", slug, category, price, cap, kind)
    if index < NAMED:
        return _CAST[index - len(_FAMILIAR)]
    word = _word(index - NAMED)
    # Caps fall off like a power law; prices have nothing to do with them.
    cap = 4e9 * (1 + index / 20) ** -1.6
    price = 10.0 ** ((index * 0.618033988749895) % 1 * 7 - 5)
    category = _FREE_CATEGORIES[index % len(_FREE_CATEGORIES)]
    kind = "thin" if index % 10 == 9 else "free"
    return SimulatedCoin(word, f"{word.capitalize()} (simulated)", word.lower(), category, price, cap, kind)


def _word(number: int) -> str:
    """An invented, pronounceable symbol, another one for each number."""
    syllables = len(_LETTERS) * len(_VOWELS)
    number += syllables  # at least two syllables
    word = ""
    while number:
        number, rest = divmod(number, syllables)
        word = _LETTERS[rest // len(_VOWELS)] + _VOWELS[rest % len(_VOWELS)] + word
    return word + "X"
