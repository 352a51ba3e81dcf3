"""alternative.me: the Fear & Greed index, a number a day since February 2018."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from markets.providers.client import Client
from markets.providers.decoding import UNREADABLE, decode_rows
from markets.providers.errors import Unavailable
from markets.providers.indicators import FEAR_AND_GREED, Claim, Observations, instant, judge
from markets.providers.provider import RawAnswer


class _Day(msgspec.Struct):
    # Both come as texts.
    value: float
    timestamp: float


class _Metadata(msgspec.Struct):
    error: object = None


class _Answer(msgspec.Struct):
    data: list[_Day]


class _Rows(msgspec.Struct):
    data: list[msgspec.Raw]


class _Verdict(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_ANSWER = msgspec.json.Decoder(_Answer, strict=False)
_ROWS = msgspec.json.Decoder(_Rows)
_ROW = msgspec.json.Decoder(_Day, strict=False)


class AlternativeMe:
    """The one source of the Fear & Greed index. It needs no key, and is to be named where its number is shown."""

    name = "alternativeme"
    is_simulated = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def indicators(self, at: datetime) -> tuple[RawAnswer, Observations]:
        """The whole history: it is one call, and so every gap of ours closes by itself."""
        answer = self._client.get("/fng/", {"limit": "0", "format": "json"})
        self._refuse_verdict(answer.body)
        return answer, self.parse_indicators(answer.body, at)

    def parse_indicators(self, body: bytes, at: datetime) -> Observations:
        """Of /fng/. The day's number is dated by its first instant."""
        days = decode_rows(
            body,
            whole=lambda text: _ANSWER.decode(text).data,
            split=lambda text: _ROWS.decode(text).data,
            one=_ROW.decode,
        )
        judged = judge(_claims(days.rows, days.texts()), at=at)
        return Observations(judged.rows, [*days.rejects, *judged.rejects])

    def _refuse_verdict(self, body: bytes) -> None:
        try:
            error = msgspec.json.decode(body, type=_Verdict).metadata.error
        except UNREADABLE:
            return  # for the parser to say
        if error:
            raise Unavailable(self.name, f"the answer tells of an error: {error}")


def _claims(days: Sequence[_Day], texts: Sequence[bytes]) -> Iterator[Claim]:
    for day, text in zip(days, texts, strict=True):
        yield Claim(FEAR_AND_GREED, instant(day.timestamp), day.value, text)
