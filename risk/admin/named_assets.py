from django.db.models import Q, QuerySet

from markets.models import Asset


def exactly(words: str) -> QuerySet[Asset]:
    """The assets that bear this symbol or slug."""
    return Asset.objects.order_by().filter(Q(symbol=words.strip().upper()) | Q(slug=words.strip().lower()))


def partly(words: str) -> QuerySet[Asset]:
    """Those of whose symbol or slug it is a part."""
    return Asset.objects.order_by().filter(Q(symbol__icontains=words.strip()) | Q(slug__icontains=words.strip()))


def ids(words: str) -> list[int]:
    """Of the assets that a search means: asked for first, since by a join they would be found by reading every row."""
    found = exactly(words).values_list("pk", flat=True) or partly(words).values_list("pk", flat=True)
    return list(found)
