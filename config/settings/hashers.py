"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with the parameters OWASP gives as the minimum: 19 MiB, two passes, one lane.

    Django's own take five times the memory, with which a flood of logins could bring a small server down.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1
