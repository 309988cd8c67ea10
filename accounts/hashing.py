"""argon2id with parameters for a server that is not only there to hash: 32 MiB and three passes, one lane.

Above OWASP's minimum (19 MiB, two passes); Django's default takes 100 MiB and eight threads for each attempt, which a
few strangers at once could use up.
"""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class PasswordHasher(Argon2PasswordHasher):
    """argon2id, as `settings.PASSWORD_HASHERS` names it."""

    time_cost = 3
    memory_cost = 32 * 1024
    parallelism = 1
