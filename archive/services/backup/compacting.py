"""Compacting the house's database: VACUUM, table by table, so that it can be stopped and shows how far it is.

Source: PostgreSQL, "Routine Vacuuming".
"""

from __future__ import annotations

from django.db import connection

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from jobs.running import TaskRun


def compact_database(actor: Actor, run: TaskRun, *, full: bool = False) -> dict[str, object]:
    """Vacuum and analyse every table; `full` writes each anew, locked meanwhile. Raises: Forbidden, Cancelled."""
    actor.require(Right.MANAGE_SERVER)
    own = connection.copy()  # VACUUM runs in no transaction
    try:
        with own.cursor() as cursor:
            before = _size(cursor)
            cursor.execute("SELECT quote_ident(relname) FROM pg_stat_user_tables ORDER BY relname")
            tables = [row[0] for row in cursor.fetchall()]
            for done, table in enumerate(tables):
                if run.stopping():
                    raise run.cancelled({"tables": done})
                run.progress(done, len(tables), unit="tables", note=table)
                cursor.execute(f"VACUUM ({'FULL, ' if full else ''}ANALYZE) {table}")
            after = _size(cursor)
    finally:
        own.close()
    audit.record(actor, "database.compact", None, full=full, before=before, after=after)
    return {"tables": len(tables), "full": full, "bytes_before": before, "bytes_after": after}


def _size(cursor: object) -> int:
    cursor.execute("SELECT pg_database_size(current_database())")  # type: ignore[attr-defined]
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]
