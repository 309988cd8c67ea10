"""How a process keeps its connections to the database: the web's threads share a pool, all others keep their own.

A connection of the pool isn't asked whether it lives before each of a hundred requests; that of a worker or a command
is, by Django.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg

TRUSTED_S = 1.0
KEPT_S = 60


def arrange(database: dict[str, Any], part: str) -> None:
    """Write into Django's settings of a database how this part of the house keeps its connections."""
    database["OPTIONS"].pop("pool", None)
    database["CONN_MAX_AGE"] = KEPT_S
    if part == "web" or part.startswith("dialect"):
        # Threads come and go with requests, so they share a pool; a pool doesn't survive Celery's fork, so only here.
        database["CONN_MAX_AGE"] = 0
        database["OPTIONS"]["pool"] = {
            "connection_class": PooledConnection,
            "min_size": 1,
            "max_size": 12,
            "num_workers": 1,
            "timeout": 5,
        }


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
