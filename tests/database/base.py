"""Django's own PostgreSQL, but emptied after a test by deleting the few rows there are.

TRUNCATE makes new files for every table and index, some hundreds of them, after each test that commits. The tables are
locked as TRUNCATE locks them: what a process of the test still writes comes before, never after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql import operations as usual

# What Django fills by itself after each migration and each emptying, with the same rows.
REFILLED = {"auth_permission", "django_content_type"}


class DatabaseOperations(usual.DatabaseOperations):
    def sql_flush(
        self, style: Any, tables: Sequence[str], *, reset_sequences: bool = False, allow_cascade: bool = False
    ) -> list[str]:
        if reset_sequences:
            return super().sql_flush(style, tables, reset_sequences=True, allow_cascade=allow_cascade)
        names = [self.quote_name(table) for table in tables if table not in REFILLED]
        # Neither foreign keys nor triggers are asked: nothing is left that they could guard.
        return [
            f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE",
            "SET LOCAL session_replication_role = replica",
            *(f"DELETE FROM {name}" for name in names),
        ]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
