"""Bodies that say what they are and nothing else."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """The body of a request. A field that nobody declared is refused, never ignored: it may have been meant."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError({name[:100]: ["This field is not known."] for name in unknown[:20]})
        return super().to_internal_value(data)


class Page(serializers.Serializer[Any]):
    """One page of a list."""

    count = serializers.IntegerField(allow_null=True)
    next = serializers.CharField(allow_null=True, help_text="Relative to the host.")
    previous = serializers.CharField(allow_null=True)


class PasswordField(serializers.CharField):
    """A password as it was typed, blanks included; what it must be like is not decided here."""

    def __init__(self, **described: Any) -> None:
        super().__init__(max_length=1_024, trim_whitespace=False, style={"input_type": "password"}, **described)
