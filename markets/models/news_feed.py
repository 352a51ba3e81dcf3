from django.db import models

PROVIDER_PREFIX = "news:"


class NewsFeed(models.Model):
    """A source of headlines that we read: an RSS or Atom document at a public address."""

    id = models.AutoField(primary_key=True)
    slug = models.SlugField(max_length=50, unique=True, help_text="How the API names it; stays as it is.")
    name = models.CharField(max_length=100, help_text="The publisher, as it is named beside every headline.")
    url = models.URLField(max_length=1_000, unique=True, help_text="Of the RSS or Atom document; http or https.")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def provider(self) -> str:
        """Its name among the providers, whose health, switch and runs it shares."""
        return f"{PROVIDER_PREFIX}{self.slug}"
