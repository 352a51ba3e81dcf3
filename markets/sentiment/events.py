"""Which events a text tells of, and whether it asserts them, only considers them, or denies them.

A rule is a pattern of trigger words. What stands around a trigger within its clause decides: a denial ("no evidence of
a hack") or an event that is over ("recovers from exploit", "2016 DAO hack") makes it none, a guess ("may", "alleged",
a question) makes it a possible one. The rules hear English headlines; they do not understand them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["hack", "depeg", "delisting", "insolvency", "regulation", "listing", "outage"]
Standing = Literal["asserted", "possible", "denied"]

_EXCHANGE = (
    r"(?:coinbase|binance|kraken|okx|bybit|upbit|bithumb|bitget|kucoin|gemini|robinhood|bitstamp|crypto\.com"
    r"|exchanges?)"
)
_AUTHORITY = (
    r"(?:sec|cftc|doj|fca|esma|bafin|irs|fbi|occ|mas|mica|treasury|regulators?|watchdogs?|prosecutors?|central banks?"
    r"|attorneys? general|finance ministry|securities commission|justice department|senate|congress|parliament)"
)
_MEASURE = (
    r"(?:su(?:es?|ed|ing)|charg(?:es?|ed)|fin(?:es?|ed)|bann?(?:s|ed|ing)?|prob(?:es?|ed|ing)|investigat\w+|subpoena\w*"
    r"|sanction\w*|approv\w+|licen[cs]\w+|enforcement|lawsuits?|settle\w*|crack(?:s|ed)? down|crackdown|seiz\w+"
    r"|indict\w+|warn(?:s|ed|ing)?|reject\w*|clear(?:s|ed)?|rules?|restrict\w*|prohibit\w*|oversight|delay\w*)"
)

_TRIGGERS: Mapping[Kind, str] = {
    "hack": (
        r"hack(?:s|ed|er|ers|ing)?|exploit(?:s|ed|er|ers)?|heists?|rug[ -]?pull(?:s|ed)?|security breach\w*"
        r"|data breach\w*|drained|(?:funds?|crypto|tokens?|bitcoin|ether|million|m) (?:were |was )?stolen"
        r"|stolen (?:funds?|crypto|tokens?|bitcoin|ether)|flash[ -]loan attacks?|51% attacks?|double[ -]spends?"
        r"|infinite mint|private keys? (?:leak\w*|compromis\w+)|steals? \$?\d[\d.,]*\s?(?:k|m|b|million|billion)?"
    ),
    "depeg": (
        r"de-?peg(?:s|ged|ging)?|(?:los(?:es|t|ing)|breaks?|broke) (?:its |the |us )?(?:dollar |\$1 )?peg"
        r"|(?:below|off|under) (?:its |the )?(?:dollar |\$1 |us dollar )?peg"
    ),
    "delisting": (
        r"delist(?:s|ed|ing|ings)?|removes? (?:\w+ ){0,4}trading pairs?|(?:drops?|ends?) support for (?:\w+ ){0,2}"
        r"(?:tokens?|coins?|trading)"
    ),
    "insolvency": (
        r"bankrupt(?:cy|cies)?|insolven(?:t|cy)|chapter (?:7|11)|receivership"
        r"|(?:halt|paus|suspend|fr[eo]ez|froz|stop|block)\w* (?:all |customer |user |client )?withdrawals?"
        r"|withdrawals? (?:are |were |have been )?(?:halted|paused|suspended|frozen)|bank run|creditor protection"
        r"|ceas\w+ operations"
    ),
    "regulation": (
        rf"{_AUTHORITY}(?:'s)?\s(?:[\w$'.-]+\s){{0,4}}{_MEASURE}|{_MEASURE}\s(?:[\w$'.-]+\s){{0,4}}{_AUTHORITY}"
        r"|wells notices?|cease[ -]and[ -]desist|unregistered securities|enforcement actions?|no-action letters?"
        r"|(?:crypto|bitcoin|mining|stablecoin|trading) (?:ban|crackdown|bill|law|regulations?)"
    ),
    "listing": (
        rf"{_EXCHANGE}\s(?:\w+\s){{0,2}}(?:lists|to list|will list|adds|opens trading)|(?:re)?listed on {_EXCHANGE}"
        rf"|(?:re)?listing on {_EXCHANGE}|(?:debuts|goes live|starts trading) on {_EXCHANGE}"
    ),
    "outage": (
        r"outages?|(?:goes|went|is|knocked|taken) offline|stop(?:s|ped) producing blocks|network halts?"
        r"|halt(?:s|ed)? (?:trading|block production|the network)|trading halt(?:s|ed)?|chain halts?|downtime"
        r"|(?:network|exchange|platform|blockchain) (?:goes|went|is) down"
    ),
}
RULES: Mapping[Kind, re.Pattern[str]] = {
    kind: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE) for kind, pattern in _TRIGGERS.items()
}

# "Mt." and "U.S." end no sentence.
_CLAUSE = re.compile(r"(?<=[.!?;])(?<!\b[A-Z][a-z]\.)(?<!\.[A-Z]\.)\s+|\s-\s|:\s|,?\s(?:but|while|although|whereas)\s")
_WORDS_AROUND = 6

_DENIAL_BEFORE = re.compile(
    r"\b(?:no|not|never|without|isn't|wasn't|hasn't|didn't|don't|doesn't|cannot|can't|won't|den(?:y|ies|ied|ying)"
    r"|refut\w+|debunk\w*|dismiss\w*|rules? out|ruled out|avoid\w*|avert\w*|prevent\w*|thwart\w*|foil\w*|surviv\w+"
    r"|unaffected by|immune to|false|hoax|protect\w* (?:from|against))\b",
    re.IGNORECASE,
)
# What stands behind one of these has happened, whatever was refused because of it.
_CAUSE = re.compile(r"\b(?:after|following|amid|despite)\b", re.IGNORECASE)
_DENIAL_AFTER = re.compile(
    r"\b(?:is|was|were|are) (?:false|untrue|denied|debunked|averted|prevented|foiled|thwarted|avoided|ruled out)\b"
    r"|\b(?:rumou?rs|claims|allegations|reports) (?:are |were )?(?:false|denied|debunked|dismissed)\b"
    r"|\bthat never\b|\b(?:protection|prevention|insurance|drill)\b",
    re.IGNORECASE,
)
_OVER_BEFORE = re.compile(
    r"\b(?:recover(?:s|ed|ing|y)? from|rebound(?:s|ed|ing)? from|bounc\w+ back from|emerg\w+ from|exits? (?:from )?"
    r"|anniversary of|years? (?:after|since)|decade (?:after|since)|lessons (?:from|of)|sentenced|history of|lifts?"
    r"|lifted|ends?|ended|resum\w+ (?:\w+ )?after|back online after|(?:19|20)\d\d(?:\s\S+){0,2})\s*(?:\S+\s+){0,3}\Z",
    re.IGNORECASE,
)
_OVER_AFTER = re.compile(
    r"\b(?:sentenced|pleads guilty|pleaded guilty|extradited|convicted|in prison|is over|has ended|resolved|fixed"
    r"|lifted|plan approved|years? ago)\b",
    re.IGNORECASE,
)
_GUESS = re.compile(
    r"\b(?:may|might|could|would|if|whether|possib\w+|potential\w*|alleged\w*|rumou?r\w*|reportedly|suspect\w*|fear\w*"
    r"|risks?|threat\w*|considers?|considering|plans?|propos\w+|expect\w*|weigh\w*|mulls?|hints?|likely|unconfirmed"
    r"|prepar\w+|seeks?|hopes?|aims?|eyes|awaits?|nears|looms?|urged?|calls? for|proposal|how to|what if)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Event:
    """An event that a text speaks of, and the words by which it does."""

    kind: Kind
    standing: Standing
    words: str
    start: int
    end: int


def written() -> list[str]:
    """Everything that the rules are made of, for whoever must tell one version of them from another."""
    around = (_CLAUSE, _DENIAL_BEFORE, _CAUSE, _DENIAL_AFTER, _OVER_BEFORE, _OVER_AFTER, _GUESS)
    return [pattern.pattern for pattern in (*RULES.values(), *around)]


def find(text: str, *, year: int | None = None) -> list[Event]:
    """Every trigger in the text with its standing, in order of appearance; overlapping ones of different kinds too.

    `year` is the one in which the text was written: what bears its name is not over, as what bears another one's is.
    """
    found = [event for start, clause in _clauses(text) for event in _of_clause(clause, start, year)]
    return sorted(found, key=lambda event: (event.start, event.kind))


def _clauses(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for boundary in _CLAUSE.finditer(text):
        yield start, text[start : boundary.start()]
        start = boundary.end()
    yield start, text[start:]


def _of_clause(clause: str, offset: int, year: int | None) -> Iterator[Event]:
    for kind, pattern in RULES.items():
        for match in pattern.finditer(clause):
            yield Event(kind, _standing(clause, match, year), match[0], offset + match.start(), offset + match.end())


def _standing(clause: str, match: re.Match[str], year: int | None) -> Standing:
    before = " ".join(clause[: match.start()].split()[-_WORDS_AROUND:]) + " "
    after = " ".join(clause[match.end() :].split()[:_WORDS_AROUND])
    if _DENIAL_BEFORE.search(_CAUSE.split(before)[-1]) or _DENIAL_AFTER.search(after):
        return "denied"
    past = before if year is None else before.replace(str(year), "")
    if _OVER_BEFORE.search(past) or _OVER_AFTER.search(after):
        return "denied"
    if _GUESS.search(before) or _GUESS.search(after) or clause.rstrip().endswith("?"):
        return "possible"
    return "asserted"
