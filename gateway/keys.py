"""The name of a message: 21 letters and digits that sort by the time it came in. Not a secret."""

from __future__ import annotations

import secrets
import time


def new_key() -> str:
    """As in "0641f3a90c2d4b7e1f09a": 13 hex digits of microseconds since 1970, 8 of chance."""
    return f"{time.time_ns() // 1000:013x}{secrets.token_hex(4)}"
