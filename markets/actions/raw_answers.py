"""Answers of providers as they came."""

from datetime import datetime, timedelta
from hashlib import sha256

import zstandard

from markets.models import RawAnswer
from markets.providers import provider

RETENTION = timedelta(days=7)
"""Long enough to look into a complaint, short enough for a small disk."""


def keep(answer: provider.RawAnswer) -> None:
    """Keep an answer, each content once."""
    RawAnswer.objects.bulk_create(
        [
            RawAnswer(
                sha256=sha256(answer.body).digest(),
                provider=answer.provider,
                endpoint=answer.endpoint[:200],
                received_at=answer.received_at,
                body_zstd=zstandard.ZstdCompressor(level=1).compress(answer.body),
                size=len(answer.body),
            )
        ],
        ignore_conflicts=True,
    )


def drop_old(*, at: datetime) -> int:
    """Remove answers beyond the retention; how many."""
    removed, _ = RawAnswer.objects.filter(received_at__lt=at - RETENTION).delete()
    return removed


def body(answer: RawAnswer) -> bytes:
    """The answer's content, decompressed."""
    return zstandard.ZstdDecompressor().decompress(bytes(answer.body_zstd), max_output_size=answer.size)
