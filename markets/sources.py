"""Sources by id and by name; there are few of them and their names never change."""

from markets.models import Source

_names: dict[int, str] = {}


def names(source_ids: set[int]) -> list[str]:
    """The names of the sources, sorted; ids that do not exist are left out. Each process remembers them."""
    if not source_ids <= _names.keys():
        _names.update(Source.objects.values_list("pk", "name"))
    return sorted(_names[source_id] for source_id in source_ids if source_id in _names)


def id_of(name: str, *, is_simulated: bool = False) -> int:
    """The id of a source, which is created when it is new."""
    source, _ = Source.objects.get_or_create(name=name, defaults={"is_simulated": is_simulated})
    return source.pk
