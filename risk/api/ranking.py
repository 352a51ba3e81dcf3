"""All scores of a day, ranked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from config.kernel import pages
from config.kernel.errors import ValidationFailed
from config.kernel.parameters import Choice, Instant, Integer, Number, Parameters, Text, TextList
from config.kernel.schema import Problem
from markets.api.answers import Answer
from risk.api import examples
from risk.api.schemas import RankingPage
from risk.api.scores import MODEL
from risk.api.views import RiskView
from risk.freshness import fresh_until
from risk.models import RiskScore, ScoreRun
from risk.queries import scores
from risk.queries.scores import Position, Ranking

# The words of the API for columns of the table.
SORTS = {"score": "score", "percentile": "percentile", "delta": "delta", "forecast_volatility": "sigma"}


class ListScores(RiskView):
    """The listed assets that a run has seen, the riskiest first; those without a score come last and say why.

    Without `as_of` the newest finished run of the model is shown.
    """

    parameters = Parameters(
        page_size=Integer(default=50, minimum=1, maximum=200, description="Assets per page."),
        cursor=Text(max_length=1_000, description="Where the page starts: `next` of the page before carries it."),
        sort_by=Choice(tuple(SORTS), description="Default: score. Missing values come last."),
        order=Choice(("asc", "desc"), description="Default: desc."),
        ordering=Choice(
            tuple(sign + name for name in SORTS for sign in ("", "-")),
            description="Another way to say sort_by and order.",
        ),
        symbols=TextList(max_items=200, max_length=50, description="Only these symbols, whatever their case."),
        min_score=Number(minimum=0, maximum=100, description="Only assets with a score, of at least this."),
        max_score=Number(minimum=0, maximum=100, description="Only assets with a score, of at most this."),
        band=Choice(RiskScore.Band.values, description="Only this band."),
        status=Choice(RiskScore.Status.values, description="Only this status."),
        confidence=Choice(RiskScore.Confidence.values, description="Only this confidence."),
        as_of=Instant(description="The scores of this UTC day."),
        model=MODEL,
    )

    @extend_schema(
        responses={
            200: OpenApiResponse(RankingPage, examples=[OpenApiExample("The riskiest", examples.RANKING)]),
            404: Problem,
        }
    )
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        low, high = values["min_score"], values["max_score"]
        if low is not None and high is not None and low > high:
            raise ValidationFailed(fields={"min_score": ["Must not be above max_score."]})
        sort_by, descending = _sort(values)
        model = scores.model_of(values["model"])
        as_of = values["as_of"]
        run = scores.run_of(model, as_of=None if as_of is None else as_of.date())
        ranking = Ranking(
            limit=values["page_size"],
            sort_by=SORTS[sort_by],
            descending=descending,
            position=_position(values["cursor"], run, sort_by, descending=descending),
            symbols=values["symbols"] or (),
            band=values["band"],
            status=values["status"],
            confidence=values["confidence"],
            min_score=values["min_score"],
            max_score=values["max_score"],
        )
        found = scores.page(run, ranking)
        following = None if found.next is None or run is None else _link(values, run, sort_by, descending, found.next)
        links = {} if following is None else {"next": following}
        body = pages.page([_described(score, run, at) for score in found.scores], count=found.count, **links) | {
            "missing_reason": "no_model" if model is None else "no_run" if run is None else None
        }
        turns = (fresh_until(score.as_of, score.data_to) for score in found.scores)
        return Answer.of(
            orjson.dumps(body, option=orjson.OPT_UTC_Z),
            at=at,
            fresh_until=min((turn for turn in turns if turn > at), default=None),
            headers=pages.link_header(**links),
        )


def _described(score: RiskScore, run: ScoreRun | None, at: datetime) -> dict[str, object]:
    asset = score.asset
    return {
        "symbol": asset.symbol,
        "slug": asset.slug,
        "name": asset.name,
        "status": score.status,
        "reason": score.reason or None,
        "score": score.score,
        "score_low_90": score.score_low_90,
        "score_high_90": score.score_high_90,
        "is_stablecoin": score.is_stablecoin,
        "estimate_low_90": score.estimate_low_90,
        "estimate_high_90": score.estimate_high_90,
        "percentile": score.percentile,
        "band": score.band or None,
        "forecast_volatility": score.sigma,
        "confidence": score.confidence or None,
        "delta": score.delta,
        "observations": score.observations,
        "as_of": score.as_of,
        "stale": fresh_until(score.as_of, score.data_to) <= at,
        "model_version": None if run is None else run.model.version,
        "input_hash": score.input_hash,
        "url": reverse("cryptocurrency-risk", kwargs={"symbol": asset.slug}),
    }


def _sort(values: Mapping[str, Any]) -> tuple[str, bool]:
    ordering = values["ordering"]
    if ordering is None:
        return values["sort_by"] or "score", values["order"] != "asc"
    if values["sort_by"] is not None or values["order"] is not None:
        raise ValidationFailed(fields={"ordering": ["Give either ordering or sort_by and order."]})
    return ordering.removeprefix("-"), ordering.startswith("-")


def _position(cursor: str | None, run: ScoreRun | None, sort_by: str, *, descending: bool) -> Position | None:
    """The place a cursor names; it is only good for the run and the order in which it was issued."""
    if cursor is None:
        return None
    mark = pages.decode_cursor(cursor)
    value, score_id = mark.get("v"), mark.get("i")
    if (
        mark.keys() != {"r", "s", "v", "i"}
        or run is None
        or mark["r"] != run.pk
        or mark["s"] != [sort_by, descending]
        or not (value is None or type(value) in (int, float))
        or type(score_id) is not int
        or not 0 < score_id < 2**63
    ):
        raise ValidationFailed(fields={"cursor": ["This cursor belongs to another list, or to a run of before."]})
    return Position(value, score_id)


def _link(values: Mapping[str, Any], run: ScoreRun, sort_by: str, descending: bool, position: Position) -> str:
    mark = {"r": run.pk, "s": [sort_by, descending], "v": position.value, "i": position.score_id}
    query = {
        name: ",".join(value) if isinstance(value, tuple) else value.isoformat() if name == "as_of" else value
        for name, value in values.items()
        if value is not None and name != "cursor"
    }
    return f"{reverse('risk-scores')}?{urlencode(query | {'cursor': pages.encode_cursor(mark)})}"
