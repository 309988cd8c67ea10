"""How much each mailbox holds, told by the apps that keep mail, and written to the mailboxes for quotas and lists.

A source registers in `AppConfig.ready()` and is asked by the clock; what several sources say adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import connection, transaction

from domains.services import quotas

Source = Callable[[], Iterable[tuple[int, int, int]]]
BATCH = 5_000
_sources: list[Source] = []


def register_source(source: Source) -> None:
    """Ask `source` for (mailbox id, messages, bytes)."""
    if source not in _sources:
        _sources.append(source)


def refresh() -> int:
    """Write what the sources say to the mailboxes of which it isn't so yet; how many. Harmless to repeat."""
    held: dict[int, list[int]] = {}
    for source in _sources:
        for mailbox, messages, size in source():
            counted = held.setdefault(mailbox, [0, 0])
            counted[0] += messages
            counted[1] += size
    with transaction.atomic():
        changed = _write(held)
        if changed:
            quotas.refresh_fill_of("SELECT id FROM usage_changed")
    return changed


def _write(held: dict[int, list[int]]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS usage_now, usage_changed")
        cursor.execute(
            "CREATE TEMPORARY TABLE usage_now (id bigint PRIMARY KEY, messages bigint, bytes bigint) ON COMMIT DROP"
        )
        cursor.execute("CREATE TEMPORARY TABLE usage_changed (id bigint PRIMARY KEY) ON COMMIT DROP")
        with cursor.copy("COPY usage_now FROM STDIN") as copy:
            for mailbox, (messages, size) in held.items():
                copy.write_row((mailbox, messages, size))
        cursor.execute(
            """
            WITH changed AS (
                UPDATE domains_mailbox SET used_messages = found.messages, used_bytes = found.bytes
                FROM (SELECT mailbox.id, COALESCE(usage_now.messages, 0) AS messages,
                             COALESCE(usage_now.bytes, 0) AS bytes
                      FROM domains_mailbox AS mailbox LEFT JOIN usage_now USING (id)) AS found
                WHERE domains_mailbox.id = found.id
                  AND (domains_mailbox.used_messages, domains_mailbox.used_bytes) <> (found.messages, found.bytes)
                RETURNING domains_mailbox.id)
            INSERT INTO usage_changed SELECT id FROM changed
            """
        )
        return int(cursor.rowcount)
