from django.db import models


class RawAnswer(models.Model):
    """A provider's answer as it came, kept once by content, so that rows can be normalised again."""

    id = models.BigAutoField(primary_key=True)
    sha256 = models.BinaryField(max_length=32, unique=True)
    provider = models.CharField(max_length=64)
    endpoint = models.CharField(max_length=200)
    received_at = models.DateTimeField(db_index=True)
    body_zstd = models.BinaryField(help_text="Zstandard-compressed")
    size = models.PositiveIntegerField(help_text="bytes before compression")

    class Meta:
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.provider} {self.endpoint} {self.received_at:%Y-%m-%d %H:%M:%S}"
