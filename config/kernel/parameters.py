"""Query parameters, declared once: read strictly, reported all at once, documented from the same words.

    LIST = Parameters(
        limit=Integer(default=100, minimum=1, maximum=250),
        sort_by=Choice(("market_cap", "volume"), default="market_cap"),
        min_market_cap=Number(minimum=0),
        start=Instant(),
    )
    values = LIST.read(request.GET)   # {"limit": 100, "sort_by": "market_cap", "min_market_cap": None, ...}

An unknown name, a name given twice, and every value that is not exactly of its type are refused with
`ValidationFailed`, whose `fields` name all the culprits together. An absent parameter has its default.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from uuid import UUID

from django.http import HttpRequest, QueryDict
from drf_spectacular.utils import OpenApiParameter

from config.kernel.errors import ValidationFailed

# ASCII only: int() and float() also take digits of other scripts, "1_000" and " 5", which no client means.
_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?\Z")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?\Z"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Parameter(ABC):
    """One kind of value. `parse` gives the typed value or raises `ValueError` with a sentence for the client."""

    def __init__(self, *, default: Any = None, required: bool = False, description: str = "") -> None:
        self.default = default
        self.required = required
        self.description = description

    @abstractmethod
    def parse(self, text: str) -> Any:
        """The typed value of a non-repeated parameter."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The value as a JSON schema, without its default."""


class _Bounded(Parameter):
    """A number in a closed range; None leaves an end open."""

    kind: str
    json_type: str

    def __init__(self, *, minimum: float | None = None, maximum: float | None = None, **described: Any) -> None:
        super().__init__(**described)
        self.minimum = minimum
        self.maximum = maximum
        self._low = float("-inf") if minimum is None else minimum
        self._high = float("inf") if maximum is None else maximum
        limits = {
            (True, True): f" from {minimum} to {maximum}",
            (True, False): f", at least {minimum}",
            (False, True): f", at most {maximum}",
            (False, False): "",
        }
        self._complaint = f"Must be a {self.kind}{limits[minimum is not None, maximum is not None]}."

    def schema(self) -> dict[str, Any]:
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": self.json_type} | {name: value for name, value in limits.items() if value is not None}


class Integer(_Bounded):
    """A whole number in ASCII digits."""

    kind = "whole number"
    json_type = "integer"

    def parse(self, text: str) -> int:
        if _INTEGER.match(text) is None or not self._low <= (value := int(text)) <= self._high:
            raise ValueError(self._complaint)
        return value


class Number(_Bounded):
    """A finite decimal number, with or without an exponent."""

    kind = "number"
    json_type = "number"

    def parse(self, text: str) -> float:
        if _NUMBER.match(text) is None or not isfinite(value := float(text)) or not self._low <= value <= self._high:
            raise ValueError(self._complaint)
        return value


class Boolean(Parameter):
    """`true` or `false`."""

    def parse(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("Must be true or false.")
        return text == "true"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Choice(Parameter):
    """One word of a closed list."""

    def __init__(self, choices: Sequence[str], **described: Any) -> None:
        super().__init__(**described)
        self.choices = tuple(choices)
        self._known = frozenset(self.choices)

    def parse(self, text: str) -> str:
        if text not in self._known:
            raise ValueError(f"Must be one of: {', '.join(self.choices)}.")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}


class Text(Parameter):
    """One line of text, trimmed, between one and `max_length` characters."""

    def __init__(self, *, max_length: int, **described: Any) -> None:
        super().__init__(**described)
        self.max_length = max_length

    def parse(self, text: str) -> str:
        value = text.strip()
        if not 1 <= len(value) <= self.max_length:
            raise ValueError(f"Must have 1 to {self.max_length} characters.")
        if _CONTROL.search(value):
            raise ValueError("Must not contain control characters.")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length}


class TextList(Parameter):
    """Texts between commas, trimmed, in the order given, each once."""

    def __init__(self, *, max_items: int, max_length: int = 100, **described: Any) -> None:
        super().__init__(**described)
        self.max_items = max_items
        self._item = Text(max_length=max_length)

    def parse(self, text: str) -> tuple[str, ...]:
        # One more piece than allowed is enough to know, however long the list is.
        pieces = text.split(",", self.max_items)
        if len(pieces) > self.max_items:
            raise ValueError(f"Must have at most {self.max_items} items.")
        return tuple(dict.fromkeys(self._item.parse(piece) for piece in pieces))

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self._item.schema(), "minItems": 1, "maxItems": self.max_items}


class Instant(Parameter):
    """An ISO 8601 instant, or a date meaning its midnight. Without an offset UTC is meant."""

    def parse(self, text: str) -> datetime:
        complaint = "Must be an ISO 8601 instant such as 2024-03-01T12:00:00Z, or a date; write + as %2B."
        if _INSTANT.match(text) is None:
            raise ValueError(complaint)
        try:
            instant = datetime.fromisoformat(text)
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(complaint) from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class Identifier(Parameter):
    """A UUID in its canonical form."""

    def parse(self, text: str) -> UUID:
        try:
            if len(text) != 36:
                raise ValueError(text)
            return UUID(text)
        except ValueError:
            raise ValueError("Must be a UUID.") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}


class Parameters:
    """All the parameters that one route knows."""

    def __init__(self, **parameters: Parameter) -> None:
        self._parameters = parameters
        self._defaults = {name: parameter.default for name, parameter in parameters.items()}
        self._required = frozenset(name for name, parameter in parameters.items() if parameter.required)

    def of(self, request: HttpRequest) -> dict[str, Any]:
        """Every parameter's value by name; most requests have no query to take apart."""
        return self.read(request.GET if request.META.get("QUERY_STRING") else _NO_QUERY)

    def read(self, query: QueryDict) -> dict[str, Any]:
        """Every parameter's value by name."""
        values = self._defaults.copy()
        wrong: dict[str, list[str]] = {}
        unknown = False
        for name, texts in query.lists():
            parameter = self._parameters.get(name)
            if parameter is None:
                unknown = True
                wrong[name] = ["There is no such parameter."]
            elif len(texts) != 1:
                wrong[name] = ["Must be given once."]
            else:
                try:
                    values[name] = parameter.parse(texts[0])
                except ValueError as complaint:
                    wrong[name] = [str(complaint)]
        for name in self._required:
            if name not in query:
                wrong[name] = ["Is required."]
        if wrong:
            if unknown:
                raise ValidationFailed(fields=wrong, known=sorted(self._parameters))
            raise ValidationFailed(fields=wrong)
        return values

    def openapi(self) -> list[OpenApiParameter]:
        """What `extend_schema(parameters=...)` wants to hear."""
        return [
            OpenApiParameter(
                name=name,
                type=parameter.schema() | ({} if parameter.default is None else {"default": parameter.default}),
                required=parameter.required,
                description=parameter.description or (type(parameter).__doc__ or ""),
                explode=False if isinstance(parameter, TextList) else None,
            )
            for name, parameter in self._parameters.items()
        ]

    def extended(self, **parameters: Parameter) -> "Parameters":
        """These and more; a repeated name is replaced."""
        return Parameters(**{**self._parameters, **parameters})


_NO_QUERY = QueryDict(encoding="utf-8")
NONE = Parameters()
