"""The numbers of risk: arrays in, frozen dataclasses out; no Django, no clock, no network, nothing random but by seed.

Matrices are assets x days, oldest first, float64, NaN where nothing was observed. Losses are positive. The package
itself imports nothing: a web process that knows its names pays for no compiler and no statistics library.
"""
