"""An archive with many folders, made inside a house: `manage.py shell -c "from benchmarks.folder_data import fill; …"`.

Everything it says is one JSON document. Not for measuring.
"""

from __future__ import annotations

import json
import sys

from accounts.actors import Actor
from archive import engines
from archive.services.stores import create_store, current_store
from archive.store import Ingest, Store
from domains.services.mailboxes import ensure_mailbox

WIDE = 100  # folders at the top


def fill(address: str, count: int) -> None:
    """`count` folders in the archive of an address, the first half in one store, the rest in another, some mail."""
    system = Actor.system()
    mailbox, _new = ensure_mailbox(system, address)
    first = current_store(system)
    second = create_store(system, name="Second")
    paths = _paths(count)
    for store, part in ((first, paths[: count // 2]), (second, paths[count // 2 :])):
        opened = engines.open_store(store)
        opened.mailbox(mailbox.pk, mailbox.address)
        _make(opened, mailbox.pk, part)
        with Ingest(opened, mailbox.pk) as ingest:
            for at, path in enumerate(part[:200]):
                ingest.put(path, content=f"Subject: note {at}\r\n\r\nOf {path}\r\n".encode())
    json.dump({"mailbox": mailbox.pk, "person": mailbox.user_id, "wide": paths[0].split("/")[0]}, sys.stdout)


def _paths(count: int) -> list[str]:
    each = count // WIDE - 1
    tops = [f"Project {at:03d}" for at in range(WIDE)]
    return [path for top in tops for path in (top, *(f"{top}/Year {at:03d}" for at in range(each)))]


def _make(opened: Store, mailbox: int, paths: list[str]) -> None:
    """In one record: ten thousand fsyncs would take a minute."""
    with opened.writer_lease():
        numbers: dict[str, int] = {}
        number, events = opened.catalogue.counter("next_folder"), []
        for path in paths:
            above, _slash, name = path.rpartition("/")
            events.append(["dir", number, mailbox, numbers.get(above, 0), name])
            numbers[path] = number
            number += 1
        opened.commit(events)
