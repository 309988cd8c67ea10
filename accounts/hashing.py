"""argon2id with parameters for a server that is not only there to hash: 32 MiB and three passes, one lane.

Above OWASP's minimum (19 MiB, two passes); Django's default takes 100 MiB and eight threads for each attempt, which a
few strangers at once could use up. How many are made at a time is `hash_gate`'s.
"""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts import crowd
from accounts.hash_gate import GATE


class PasswordHasher(Argon2PasswordHasher):
    """argon2id, as `settings.PASSWORD_HASHERS` names it. Raises: TooManyAttempts where too many wait for a place."""

    time_cost = 3
    memory_cost = 32 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with GATE.place(crowd.present_rank()):
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        with GATE.place(crowd.present_rank()):
            return bool(super().verify(password, encoded))
