"""Loops that numba compiles; imported only where `engine.installed()` says so.

No fastmath and a fixed order of every sum: the same bits on every processor. Each has its equal in NumPy beside the
formula that it serves, and the tests compare the two.
"""
