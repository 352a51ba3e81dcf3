"""Numbers about the market: arrays in, frozen dataclasses out."""
