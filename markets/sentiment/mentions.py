"""Which assets a text is about, and by which of their names we know.

A mention is believed when the text leaves little else to believe: a cashtag (`$BTC`), a ticker in capitals, a name with
a capital. Words that mean something without any coin (`ONE`, `Near`, `Maker`) and the names of small coins, of which
there are thousands in every dictionary, need more: a cashtag, or a word beside them that only coins have beside them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

MatchedBy = Literal["name", "ticker", "cashtag"]

WELL_KNOWN_RANK = 1_000
"""Up to here a name or a ticker stands for itself; of two assets with one name the larger is meant."""
_LONGEST_NAME = 5  # words


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What the market writes in capitals, or says with a capital, without meaning the coin of that name.
AMBIGUOUS_TICKERS = _listed("""
    ACE ACT ADD AGE AGI AIR AIS ALL ALT AMP AND ANY API APP APY ARC ARE ART ASK ASP ATH ATM AUD AXE BAD BAN BAR
    BASE BAT BEAM BEL BEST BIG BIT BLUE BOB BOND BOSS BTFD BUY CAD CAR CASH CAT CBDC CEO CFO CFTC CHAT CHF CLEAR
    CNY COIN CORE COTI COW CPI CTO DAO DAR DATA DAY DEAL DEFI DENT DEX DOG DOJ DYOR EACH EDGE EGO ELF END ERA
    ESG ETF ETFS ETN ETP EUR EVER EYE FACT FAN FBI FED FIRE FIT FLOW FLUX FOMC FOMO FOR FREE FUD FUN FUND GAME
    GAS GBP GDP GET GLOBAL GOLD GOOD GPU HARD HERO HIGH HIT HODL HOLD HOT HOW ICO IDO IEO IMF INDEX IPO IRS ITS
    JOB JPY JUST KEY KYC LAW LIFE LIKE LIVE LONG LOOK LOVE LUCK MAN MAP MARK MASK MAX MEME MEMES MEV MIX MOON
    MORE NEAR NEO NEW NEWS NEXT NFT NFTS NOT NOW NYSE OCC OFF OIL OLD ONE ONLY OPEN ORDER OTC OUR OUT OWN PAY
    PEOPLE PLAY POW PRIME PRO PUMP PUSH QUICK RARE RAY REAL RED REP RISE ROCK ROI ROSE RPC RUN RWA SAFE SAND SEC
    SELL SHARE SHOP SIX SKY SMART SOUL SPACE STAR STEEM STEP SUN SUPER SURE SYS TAX TECH TEN THE TIME TOP TRADE
    TRUE TRUST TRY TVL TWO UAE USA USD USDOLLAR USER VIA VPN VIEW WAVES WAX WAY WEB WELL WHALE WIN WING WTF XYZ
    YEAR YES YOU ZERO
""")
AMBIGUOUS_NAMES = _listed("""
    act ai aurora avalanche band base beam bridge cloud compound core cosmos dash data dent divi dollar drift
    dusk ethos euro everything flare flow flux function fusion gala gas gods gold grass grin harmony helium hive
    holo icon immutable internet jupiter just layer legacy link loom magic major maker mantle mantra mask
    memecoin metal mina mirror movement near neo nest neutron nexus ocean official omni one ontology optimism
    orbit orchid origin osmosis pax pepper polygon power prime pump push quant radiant rally reef ren render
    request reserve ripple ronin rook safe secret seed sign silver sky sonic sora space stacks status stellar
    step storm story sun super swipe synapse terra theta token trust usual vine virtual wave waves wax wink
    wonder world wormhole zero
""")
# What stands behind the name of a coin; not "crypto", which stands behind every word ("Sign Crypto Bill").
_CONTEXT = _listed("""
    token tokens coin coins altcoin memecoin stablecoin network protocol blockchain chain mainnet testnet ledger
    dao foundation labs price holders whales staking validators layer-1 layer-2
""")
ALIASES: Mapping[str, str] = {
    "bitcoin": "BTC",
    "ether": "ETH",
    "ethereum": "ETH",
    "solana": "SOL",
    "dogecoin": "DOGE",
    "cardano": "ADA",
    "litecoin": "LTC",
    "monero": "XMR",
    "zcash": "ZEC",
    "tether": "USDT",
    "chainlink": "LINK",
    "xrp ledger": "XRP",
    "bnb chain": "BNB",
}
"""What everybody says, in whatever case, where the provider's name is another one or the word means nothing else."""

_POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s\b")
_TOKEN = re.compile(r"\$?[A-Za-z0-9][\w.+-]*[\w+]|\$?[A-Za-z0-9]|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An asset as far as it can be named in a text; `rank` by market cap, None where nobody ranks it."""

    asset_id: int
    symbol: str
    name: str
    rank: int | None


@dataclass(frozen=True, slots=True)
class Mention:
    """An asset that a text is about."""

    asset_id: int
    matched_by: MatchedBy
    term: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Whom a name or a ticker means; made once for many texts."""

    by_symbol: Mapping[str, Candidate] = field(default_factory=dict)
    by_name: Mapping[tuple[str, ...], Candidate] = field(default_factory=dict)

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> "Directory":
        """The larger market wins a name or a symbol that several have."""
        by_symbol: dict[str, Candidate] = {}
        by_name: dict[tuple[str, ...], Candidate] = {}
        for candidate in sorted(candidates, key=_size):
            by_symbol.setdefault(candidate.symbol.upper(), candidate)
            words = tuple(word.lower() for word in _words(candidate.name))
            if 1 <= len(words) <= _LONGEST_NAME:
                by_name.setdefault(words, candidate)
        for alias, symbol in ALIASES.items():
            if symbol in by_symbol:
                by_name.setdefault(tuple(alias.split()), by_symbol[symbol])
        return cls(by_symbol, by_name)


def _size(candidate: Candidate) -> tuple[float, int]:
    return (float("inf") if candidate.rank is None else candidate.rank, candidate.asset_id)


def find(text: str, directory: Directory) -> list[Mention]:
    """The assets that the text is about, each once, in the order in which they are first named."""
    tokens = _words(text)
    found: dict[int, Mention] = {}
    for mention in _mentions(tokens, directory):
        found.setdefault(mention.asset_id, mention)
    return list(found.values())


def _words(text: str) -> list[str]:
    # A possessive is still the name.
    return _TOKEN.findall(_POSSESSIVE.sub("", text))


def _mentions(tokens: list[str], directory: Directory) -> Iterator[Mention]:
    letters = [token for token in tokens if token.isalpha() and len(token) > 2]
    shouts = len(letters) > 3 and sum(token.isupper() for token in letters) > len(letters) / 2
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.startswith("$") and (candidate := directory.by_symbol.get(token[1:].upper())) and token[1:].isalnum():
            yield Mention(candidate.asset_id, "cashtag", token)
        elif (named := _named(tokens, position, directory, shouts=shouts)) is not None:
            candidate, length = named
            yield Mention(candidate.asset_id, "name", " ".join(tokens[position : position + length])[:200])
            position += length
            continue
        elif (candidate := _ticker(tokens, position, directory, shouts=shouts)) is not None:
            yield Mention(candidate.asset_id, "ticker", token)
        position += 1


def _named(tokens: list[str], position: int, directory: Directory, *, shouts: bool) -> tuple[Candidate, int] | None:
    """The asset whose name starts here, the longest of several, and how many words it takes."""
    for length in range(min(_LONGEST_NAME, len(tokens) - position), 0, -1):
        words = tokens[position : position + length]
        key = tuple(word.lower() for word in words)
        candidate = directory.by_name.get(key)
        if candidate is None:
            continue
        if " ".join(key) in ALIASES:
            return candidate, length
        if not words[0][0].isupper() and not words[0][0].isdigit():
            continue
        is_doubtful = (
            shouts
            or candidate.rank is None
            or candidate.rank > WELL_KNOWN_RANK
            or (length == 1 and (key[0] in AMBIGUOUS_NAMES or len(key[0]) < 3 or words[0].upper() in AMBIGUOUS_TICKERS))
        )
        if not is_doubtful or _is_about_coins(tokens, position, length, candidate):
            return candidate, length
    return None


def _is_about_coins(tokens: list[str], position: int, length: int, candidate: Candidate) -> bool:
    """Whether a word beside the name says that the coin is meant: `Maker token`, `Compound (COMP)`, `$NEAR`."""
    beside = tokens[position + length : position + length + 3]
    symbol = candidate.symbol.upper()
    if beside and beside[0].lower() in _CONTEXT:
        return True
    if len(beside) > 1 and beside[0] in ("(", "[") and beside[1].lstrip("$").upper() == symbol:
        return True
    return f"${symbol}" in (token.upper() for token in tokens)


def _ticker(tokens: list[str], position: int, directory: Directory, *, shouts: bool) -> Candidate | None:
    token = tokens[position]
    if not (3 <= len(token) <= 10 and token.isalnum() and token.isupper() and not token.isdigit()):
        return None
    candidate = directory.by_symbol.get(token)
    if candidate is None or candidate.rank is None or candidate.rank > WELL_KNOWN_RANK or shouts:
        return None
    if token not in AMBIGUOUS_TICKERS:
        return candidate
    following = tokens[position + 1].lower() if position + 1 < len(tokens) else ""
    return candidate if following in _CONTEXT else None
