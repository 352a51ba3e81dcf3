"""The outside world: ask a provider, and turn its answer into checked columns. Knows no database."""
