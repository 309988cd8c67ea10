"""Random values that open something, and the hashes that are kept of them.

They have 256 bits of chance, so one plain SHA-256 is enough; passwords, which people choose, are hashed by argon2
instead.
"""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """A new value to show once."""
    return secrets.token_urlsafe(32)


def token_hash(value: str) -> str:
    """What is kept of a value, and looked up by."""
    return hashlib.sha256(value.encode()).hexdigest()
