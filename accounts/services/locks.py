"""Locks of the database that make "look, then change" one step, held until the transaction ends."""

from __future__ import annotations

from django.db import connection

FIRST_ADMINISTRATOR = 0x706B6661  # "pkfa": makes "is there one yet?" and making it one step
ADMINISTRATORS = 0x706B6164  # "pkad": two administrators can't disable each other at once


def hold(number: int) -> None:
    """Hold everybody else who asks for this number until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
