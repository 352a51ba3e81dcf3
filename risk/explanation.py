"""A score in words that a person can act on."""

from collections.abc import Iterator, Mapping
from math import exp, expm1, floor
from types import MappingProxyType
from typing import Any

from risk.model_card import HORIZON_DAYS
from risk.models import RiskScore

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "base": "the average asset that the model has learnt from",
        "volatility": "how much the price has been moving",
        "tail": "the size of its worst days",
        "drawdown": "how far it has fallen from its peaks",
        "liquidity": "how thinly it is traded",
        "market": "how it moves with the market",
        "structure": "its age and size",
        "stablecoin_floor": "the least that a pegged coin is given",
        "death": "the rule that the dead have 100",
        "staleness": "the least that a price that hardly moves is given",
        "news": "bad news, which only ever raises a score",
        "pump": "the rule that a pump lowers no score",
        "peg": "how far it is from a peg that it kept within the last year",
        "wrapping": "the risk of what it stands for",
    }
)
"""What each cause of a score is about."""

BANDS: Mapping[str, str] = MappingProxyType(
    {"low": "low", "moderate": "moderate", "high": "high", "very_high": "very high", "extreme": "extreme"}
)

_DOUBTS: Mapping[str, str] = MappingProxyType(
    {
        "stale_price": "its price hardly moves, as one that nobody makes",
        "late_price": "no price of the day itself",
        "very_short_history": "less than 60 days of returns",
        "short_history": "less than 250 days of returns",
        "bad_prints": "prices that were not believed",
        "library_fit": "a volatility model that our own search could not fit and a library's did",
        "volume_unknown": "no volumes, so liquidity is not judged",
        "market_cap_unknown": "no market cap, so size is not judged",
        "news_unknown": "too few news to say anything",
    }
)
"""What lowers the confidence."""

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "hack": "a hack or theft",
        "depeg": "a lost peg",
        "delisting": "a delisting",
        "insolvency": "an insolvency or halted withdrawals",
        "regulation": "an authority's measures",
    }
)
"""What news that are flagged tell of."""

_WITHOUT_SCORE: Mapping[str, str] = MappingProxyType(
    {
        "insufficient_history": "A score follows once 14 days with a price are there; until then treat it as"
        " unknown, not as safe.",
        "history_ended": "Check whether it is still traded, and whether a source for its prices can be added; its last"
        " score says nothing about today.",
        "no_history": "Add a source for its prices, or import them.",
        "not_measurable": "Its prices do not move as those of a traded asset do; treat it as unknown, not as safe.",
        "no_model": "Load more history: the model learns from past days whose next 30 days are over.",
        "failed": "The run has this asset's failure on record; an operator can run it again.",
        "not_scored": "It was listed after the last run, or no run has finished yet; the next is due after midnight.",
    }
)


def explanation(score: RiskScore) -> str:
    """What the score says, what it comes from, what changed, and what to do about it."""
    if score.score is None:
        return f"No score as of {score.as_of}: {_sentence(score.reason)} {without_score(score.status)}"
    if score.status == RiskScore.Status.DEAD:
        return (
            f"{score.asset.name} has 100 of 100 points by rule as of the close of {score.as_of}:"
            f" {_sentence(score.reason)} Treat what is left as lost, and check whether it can be sold at all."
        )
    return " ".join(_sentences(score))


def without_score(status: str) -> str:
    """What to do where there is no score."""
    return _WITHOUT_SCORE[status]


def doubts(score: RiskScore) -> str:
    """What lowers the confidence, in words."""
    return "; ".join(_DOUBTS[reason] for reason in score.confidence_reasons)


_ESTIMATED: Mapping[str, str] = MappingProxyType(
    {
        "fitted": "How well the score is measured: its own history was simulated again, each time with parameters that"
        " its returns allow for. It says nothing of what is yet to happen.",
        "pooled": "How well the score is measured: histories as short as its own were simulated with the dynamics of"
        " other assets, for its own are not known yet. It says nothing of what is yet to happen.",
        "no_dynamics": "How well the score is measured is not known: neither its own dynamics nor those of others are.",
    }
)


_NOT_SHOWN = "it is that of ordinary assets, and has not been shown to hold for pegged ones."


def of_estimation(score: RiskScore) -> str:
    """What the intervals of the estimate are, or why there are none."""
    return _ESTIMATED[score.estimate_basis]


def of_interval(score: RiskScore) -> str:
    """Why the coverage of its intervals is not known; empty where it is."""
    return _NOT_SHOWN if score.is_stablecoin else ""


def _sentences(score: RiskScore) -> Iterator[str]:
    yield (
        f"{score.asset.name} scores {_whole(score.score)} of 100 ({BANDS[score.band]}) as of the close of"
        f" {score.as_of}, riskier than {_whole(score.percentile)} % of the assets scored that day."
    )
    reach = f"{_between(score.score_low_90, score.score_high_90)} points"
    yield (
        f"The volatility that is forecast for the next {HORIZON_DAYS} days is {_per_cent(score.sigma)} a year;"
        + (
            f" the 90 % interval of the realised risk, {reach}, is no promise: {of_interval(score)}"
            if score.is_stablecoin
            else f" in 9 of 10 such cases the realised risk lies {reach}."
        )
    )
    if score.is_estimated:
        yield (
            f"The score itself is known to lie {_between(score.estimate_low_90, score.estimate_high_90)} points at a"
            " nominal 90 %: that is how well it is measured, not where the risk will lie."
        )
    causes = [entry for entry in score.contributions if entry["component"] != "base"]
    raising = max(causes, key=lambda entry: entry["points"], default=None)
    lowering = min(causes, key=lambda entry: entry["points"], default=None)
    if raising is not None and raising["points"] > 0:
        yield f"What raises it most is {_cause(raising)} ({_points(raising)})."
    if lowering is not None and lowering["points"] < 0:
        yield f"What lowers it most is {_cause(lowering)} ({_points(lowering)})."
    if score.delta is not None and score.previous is not None:
        yield _change(score, score.previous)
    if score.events:
        told = ", ".join(f"{EVENTS[event['event']]} ({event['n']})" for event in score.events)
        yield f"News of the last seven days tell of {told}: that adds no points by itself, so read them."
    if score.confidence != RiskScore.Confidence.HIGH:
        yield f"Confidence is {score.confidence}: {doubts(score)}."
    yield _deed(score)


def _change(score: RiskScore, previous: RiskScore) -> str:
    delta = score.delta or 0.0
    if abs(delta) < 0.05:
        return f"It is where it was on {previous.as_of}."
    verb = "risen" if delta > 0 else "fallen"
    sign = 1 if delta > 0 else -1
    most = max(score.delta_by_component, key=lambda entry: sign * entry["points"], default=None)
    by = "" if most is None else f", most of all by {_cause(most)} ({_points(most)})"
    return f"It has {verb} by {abs(delta):.1f} points since {previous.as_of}{by}."


_UNSEEN = ("staleness", "peg", "wrapping")
"""Rules that stand for losses which an asset's own prices do not show."""


def _deed(score: RiskScore) -> str:
    tail = headline_tail(score.tail)
    if tail is None:
        return "No tail loss could be measured: size a position as if it could be lost."
    if score.is_stablecoin:
        return (
            f"Plan for more than its tail: on days as quiet as those it was measured on {_days(tail, 'loses')}. A break"
            " of the peg is not in these numbers: the floor under the scores of pegged coins stands for it, which is a"
            " judgement and no estimate. If you cannot bear a break, hold less."
        )
    ruled = [_cause(entry) for entry in score.contributions if entry["component"] in _UNSEEN and entry["points"] > 0]
    if ruled:
        return (
            f"Plan for more than its tail: by its own prices {_days(tail, 'loses')}. What a rule has added to its score"
            f" ({', '.join(ruled)}) is not in these numbers. If you cannot bear more than that, hold less."
        )
    if tail["value_at_risk"] <= 0:
        return f"Plan for more than its tail: {_days(tail, 'loses')}. Size a position as if it could be lost."
    return f"Plan for it: {_days(tail, 'may lose')}; if you cannot bear that, hold less."


def _days(tail: Mapping[str, Any], verb: str) -> str:
    """What a bad day costs; the tail of a price that hardly ever falls is a gain, and no loss to tell of."""
    times = round(1 / (1 - tail["level"]))
    if tail["value_at_risk"] > 0:
        return (
            f"about one day in {times} {verb} more than {_lost(tail, 'value_at_risk')} of a position, and such a day"
            f" about {_lost(tail, 'expected_shortfall')}"
        )
    if tail["expected_shortfall"] > 0:
        worst = _lost(tail, "expected_shortfall")
        return f"no loss was observed at this level, but one day in {times} cost about {worst} of a position"
    return f"no loss was observed at this level, one day in {times}, which does not mean that there can be none"


def headline_tail(tail: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The entry of one day at 97.5 %, where it could be measured."""
    return next(
        (entry for entry in tail if entry["level"] == 0.975 and entry["horizon_days"] == 1),
        None,
    )


def _cause(entry: Mapping[str, Any]) -> str:
    return CAUSES[entry["component"]]


def _points(entry: Mapping[str, Any]) -> str:
    return f"{entry['points']:+.1f}"


def _whole(value: float | None) -> int:
    """Points or per cent rounded down: nothing is told in the number of the next band, or riskier than everybody."""
    return floor((value or 0.0) + 1e-9)


def _between(low: float | None, high: float | None) -> str:
    """Rounded outwards, so that a score never lies outside of its own interval."""
    return f"between {_whole(low)} and {-_whole(-(high or 0.0))}"


def _per_cent(share: float | None) -> str:
    """With more digits where one alone would call something nothing."""
    value = 100 * (share or 0.0)
    return f"{value:.{1 if value >= 0.05 else 3}f} %"


def _lost(tail: Mapping[str, Any], name: str) -> str:
    """A loss as a share of the value, with what is known of its error."""
    loss, error = tail[name], tail.get(f"{name}_error")
    # Of 1 - exp(-x) the error is exp(-x) times that of x.
    return _per_cent(-expm1(-loss)) + ("" if error is None else f" (standard error {100 * exp(-loss) * error:.1f})")


def _sentence(reason: str) -> str:
    return reason if reason.endswith(".") else f"{reason}."
