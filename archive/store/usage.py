"""How much each mailbox holds in a store: its messages, each once however many of its folders show it, and their bytes.

One pass over the catalogue's placements; for a clock, not for a page. A projection like the catalogue itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import Store

_PER_MAILBOX = """
SELECT held.mailbox, count(*), sum(message.size)
FROM (SELECT DISTINCT folder.mailbox AS mailbox, placement.number AS number
      FROM placement JOIN folder ON folder.number = placement.folder) AS held
JOIN message ON message.number = held.number
GROUP BY held.mailbox
"""


def usage(store: Store) -> dict[int, tuple[int, int]]:
    """{mailbox: (messages, bytes)} of the mailboxes that hold anything."""
    store.refresh()
    rows = store.catalogue.reader.execute(_PER_MAILBOX)
    return {mailbox: (messages, size) for mailbox, messages, size in rows}
