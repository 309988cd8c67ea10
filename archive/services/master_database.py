"""Compacting the master database (PostgreSQL): room of deleted rows is given back, and the planner's figures refreshed.

Every table is vacuumed beside everything else. A table of which much is dead is written anew, for which it is locked:
only where that succeeds at once, else it is left for another time. Not for the stores' own databases (`maintenance`).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import OperationalError, connection

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from jobs.errors import NotRunnable
from jobs.running import TaskRun

DEAD_SHARE = 0.3
LOCK_WAIT_MS = 2000
_TABLES = """
SELECT s.relname, s.n_live_tup, s.n_dead_tup, pg_total_relation_size(s.relid)
FROM pg_stat_user_tables s WHERE s.schemaname = current_schema() ORDER BY 4 DESC"""


@dataclass(frozen=True, slots=True)
class TableFacts:
    name: str
    live: int
    dead: int
    size_bytes: int

    @property
    def is_bloated(self) -> bool:
        return self.dead > DEAD_SHARE * max(self.live + self.dead, 1) and self.dead > 1000


def plan_compaction(actor: Actor) -> dict[str, int]:
    """Sizes in bytes, and of how many tables much is dead. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    tables = _tables()
    return {
        "database_bytes": _size(),
        "tables": len(tables),
        "dead_rows": sum(table.dead for table in tables),
        "tables_written_anew": sum(table.is_bloated for table in tables),
    }


def compact_database(actor: Actor, run: TaskRun) -> dict[str, object]:
    """Vacuum every table; stops between two. Raises: Forbidden, NotRunnable (inside a transaction); Cancelled."""
    actor.require(Right.MANAGE_SERVER)
    if connection.in_atomic_block:
        raise NotRunnable("the database can't be compacted inside a transaction")
    before, tables = _size(), _tables()
    skipped: list[str] = []
    done = 0
    for table in tables:
        if run.stopping():
            break
        _vacuum(table, skipped)
        done += 1
        run.progress(done, len(tables), unit="tables", note=table.name)
    after = _size()
    result: dict[str, object] = {
        "tables": done, "bytes_before": before, "bytes_after": after, "bytes_freed": max(before - after, 0),
        "left_for_another_time": skipped,
    }  # fmt: skip
    audit.record(actor, "server.compact_database", None, freed=result["bytes_freed"], tables=done)
    if run.stopping():
        raise run.cancelled(result)
    return result


def _vacuum(table: TableFacts, skipped: list[str]) -> None:
    quoted = connection.ops.quote_name(table.name)
    with connection.cursor() as cursor:
        if table.is_bloated:
            cursor.execute(f"SET lock_timeout = {LOCK_WAIT_MS}")
            try:
                cursor.execute(f"VACUUM (FULL, ANALYZE) {quoted}")
                return
            except OperationalError:  # somebody uses it
                skipped.append(table.name)
            finally:
                cursor.execute("RESET lock_timeout")
        cursor.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {quoted}")


def _tables() -> list[TableFacts]:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [TableFacts(*row) for row in cursor.fetchall()]


def _size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
