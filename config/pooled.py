"""The database connection of the web's pool, which isn't asked whether it lives before each of a hundred requests.

Not for workers and commands: they keep their connection and Django asks it.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg

TRUSTED_S = 1.0


class PooledConnection(psycopg.Connection[Any]):
    """Answers the pool's question (an empty query) by itself when it was asked less than a second ago.

    A server that went away within this second costs the one request that finds out, as it would have a moment later.
    """

    _asked_at = 0.0

    def execute(self, query: Any, params: Any = None, **options: Any) -> psycopg.Cursor[Any]:
        if query != "":
            return super().execute(query, params, **options)
        now = time.monotonic()
        if self.closed or now - self._asked_at > TRUSTED_S:
            super().execute(query, params, **options)
            self._asked_at = now
        return self.cursor()
