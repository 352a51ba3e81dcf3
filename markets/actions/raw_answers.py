"""Answers of providers as they came."""

from datetime import datetime, timedelta
from hashlib import sha256

import zstandard

from config.kernel.binary_copy import binary_cursor
from markets.models import RawAnswer
from markets.providers import provider

RETENTION = timedelta(days=7)
"""Long enough to look into a complaint, short enough for a small disk."""


def keep(*answers: provider.RawAnswer) -> None:
    """Keep answers, each content once."""
    compressor = zstandard.ZstdCompressor(level=1)
    # In binary: Django would write each byte of a body as two.
    with binary_cursor() as cursor:
        cursor.executemany(
            "INSERT INTO markets_rawanswer (sha256, provider, endpoint, received_at, body_zstd, size)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                [
                    sha256(answer.body).digest(),
                    answer.provider,
                    answer.endpoint[:200],
                    answer.received_at,
                    compressor.compress(answer.body),
                    len(answer.body),
                ]
                for answer in answers
            ],
        )


def drop_old(*, at: datetime) -> int:
    """Remove answers beyond the retention; how many."""
    removed, _ = RawAnswer.objects.filter(received_at__lt=at - RETENTION).delete()
    return removed


def body(answer: RawAnswer) -> bytes:
    """The answer's content, decompressed."""
    return zstandard.ZstdDecompressor().decompress(bytes(answer.body_zstd), max_output_size=answer.size)
