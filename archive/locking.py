"""Deleting and placing a hold exclude each other: what is judged as free is deleted before any new hold is in force.

Many delete at once; a hold waits for those that have begun, at most a batch. Locks of PostgreSQL, let go with their
transaction. Not for the stores' own leases.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

KEY = 0x506F73746B656570  # names the lock in the whole database


@contextmanager
def deleting() -> Iterator[None]:
    """A transaction in which messages are judged and deleted."""
    with transaction.atomic():
        _lock("pg_advisory_xact_lock_shared")
        yield


@contextmanager
def placing() -> Iterator[None]:
    """A transaction that makes something kept: after it, nobody deletes by what was so before."""
    with transaction.atomic():
        _lock("pg_advisory_xact_lock")
        yield


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [KEY])
