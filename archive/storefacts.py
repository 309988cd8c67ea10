"""Figures of stores for pages, health and the overview. Reads engines; whoever calls has asked for the right.

Not for changing anything.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.utils.formats import number_format

from archive import engines
from archive.errors import StoreUnavailable
from archive.models import Store
from archive.store.errors import StoreError
from archive.tables import StoreLine
from config.kit import paths
from domains.models import Mailbox
from jobs.models import Task


@dataclass(frozen=True, slots=True)
class MailboxLine:
    """One mailbox in one store: counts are administration, its mail is not."""

    address: str
    folders: int
    messages: int


def store_line(store: Store) -> StoreLine:
    """One store with its figures, or with why it has none."""
    if not store.is_open:
        return StoreLine(store.pk, store.name, store.state)
    try:
        facts = engines.open_store(store).facts()
    except (StoreUnavailable, StoreError, OSError) as error:
        return StoreLine(store.pk, store.name, "error", problem=str(error))
    return StoreLine(
        store.pk,
        store.name,
        store.state,
        messages=facts.messages,
        raw_bytes=facts.raw_bytes,
        stored_bytes=facts.stored_bytes,
        saved=saved_text(facts.raw_bytes, facts.stored_bytes),
        lag=facts.lag,
    )


def saved_text(raw_bytes: int, stored_bytes: int) -> str:
    """How much smaller the store is than its mail, in percent; nothing to say for a nearly empty one."""
    if raw_bytes < 1 << 20:
        return "–"
    percent = number_format(100 * (1 - stored_bytes / raw_bytes), decimal_pos=0)
    return f"{percent} %"


def work_bytes(store: Store) -> int | None:
    """Catalogue and index."""
    try:
        return engines.open_store(store).facts().work_bytes if store.is_open else None
    except (StoreUnavailable, StoreError, OSError):
        return None


def free_bytes(path: Path) -> int | None:
    """Room on the disk a path is on."""
    for place in (path, *path.parents):
        if place.exists():
            return shutil.disk_usage(place).free
    return None


def list_mailboxes(store: Store) -> list[MailboxLine]:
    """Whose mail a store holds, with counts, most first."""
    folders, messages = Counter[int](), Counter[int]()
    for folder in engines.open_store(store).folders():
        folders[folder.mailbox] += 1
        messages[folder.mailbox] += folder.messages
    names = dict(Mailbox.objects.filter(pk__in=list(folders)).values_list("pk", "address"))
    lines = [MailboxLine(names.get(pk, f"#{pk}"), folders[pk], messages[pk]) for pk in folders]
    return sorted(lines, key=lambda line: (-line.messages, line.address))


def last_verified(store: Store) -> Task | None:
    """The last finished verification that had this store in it."""
    ended = Task.objects.filter(type="VerifyStore", state=Task.State.COMPLETED)
    return ended.filter(result__stores__contains=[{"store": store.name}]).order_by("-pk").first()


def home_free_bytes() -> int | None:
    return free_bytes(paths.home())
