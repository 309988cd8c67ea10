"""Figures of stores for pages, health and the overview. Reads engines; whoever calls has asked for the right.

Not for changing anything.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from archive import engines
from archive import store as engine
from archive.errors import StoreUnavailable
from archive.models import Store
from archive.owners import ELSEWHERE, NOBODY, is_nobodys, label_of, owner_of
from archive.services import autocreate
from archive.store.errors import StoreError
from archive.store.postgres import PostgresBackend
from config import environment
from config.kit import paths
from domains.models import Mailbox


@dataclass(frozen=True, slots=True)
class StoreLine:
    """One store with its figures; `problem` where it could not be opened. fill: how much of the threshold it takes."""

    pk: int
    name: str
    state: str
    messages: int | None = None
    raw_bytes: int | None = None
    stored_bytes: int | None = None
    saved: str = ""
    lag: int | None = None
    problem: str = ""
    verified_at: datetime | None = None
    fill: str = ""
    customer: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class IndexLine:
    """One store's index as the list of them shows it."""

    pk: int
    name: str
    documents: int
    size_bytes: int
    lag: int
    selected: str


@dataclass(frozen=True, slots=True)
class MailboxLine:
    """One mailbox in one store: counts are administration, its mail is not."""

    number: int
    address: str
    folders: int
    messages: int

    @property
    def is_nobodys(self) -> bool:
        return is_nobodys(self.number)


def store_line(store: Store) -> StoreLine:
    """One store with its figures, or with why it has none."""
    known: dict[str, Any] = {
        "verified_at": store.verified_at,
        "customer": store.customer.name if store.customer else "",
        "kind": store.get_kind_display(),
    }
    if not store.is_open:
        return StoreLine(store.pk, store.name, store.state, messages=store.figures.get("messages"), **known)
    try:
        facts = engines.open_store(store).facts()
    except (StoreUnavailable, StoreError, OSError) as error:
        return StoreLine(store.pk, store.name, "error", problem=str(error), **known)
    fill = autocreate.fill_of(store, facts.stored_bytes)
    return StoreLine(
        store.pk,
        store.name,
        store.state,
        messages=facts.messages,
        raw_bytes=facts.raw_bytes,
        stored_bytes=facts.stored_bytes,
        saved=saved_text(facts.raw_bytes, facts.stored_bytes),
        lag=facts.lag,
        fill="" if fill is None else _percent(fill),
        **known,
    )


def _percent(share: float) -> str:
    return f"{number_format(100 * share, decimal_pos=0)} %"


def saved_text(raw_bytes: int, stored_bytes: int) -> str:
    """How much smaller the store is than its mail, in percent; nothing to say for a nearly empty one."""
    if raw_bytes < 1 << 20:
        return "–"
    return _percent(1 - stored_bytes / raw_bytes)


def work_bytes(store: Store) -> int | None:
    """Catalogue and index."""
    try:
        return engines.open_store(store).facts().work_bytes if store.is_open else None
    except (StoreUnavailable, StoreError, OSError):
        return None


def free_of(store: Store) -> int | None:
    """Room where a store grows: on the disk of its folder, or of Postkeep's own database; None where nobody can say."""
    if store.is_folder:
        return free_bytes(store.root)
    return free_bytes(paths.home() / "pg") if not store.dsn and environment.has_own_database() else None


def folder_of(store: Store) -> Path | None:
    """The folder of this machine that a store fills: its own, or that of its packs; None where there is none."""
    if store.is_folder:
        return store.root
    return Path(store.objects_path) if store.objects_path else None


def in_database_bytes(store: Store) -> int | None:
    """What a store takes in its database; None for one in a folder, or where it can't be asked."""
    if store.is_folder or not store.is_open:
        return None
    try:
        backend = engines.open_store(store).backend
        return backend.size_bytes() if isinstance(backend, PostgresBackend) else None
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
    opened = engines.open_store(store)
    folders, messages = Counter[int](), Counter[int]()
    for folder in opened.folders():
        folders[folder.mailbox] += 1
        messages[folder.mailbox] += folder.messages
    names = dict(Mailbox.objects.filter(pk__in={owner_of(number) for number in folders}).values_list("pk", "address"))
    lines = [
        MailboxLine(number, _owner_named(opened, number, names), folders[number], count)
        for number, count in messages.items()
    ]
    return sorted(lines, key=lambda line: (-line.messages, line.address))


def owner_label(store: Store, number: int) -> str:
    """What one of a store's owners is called."""
    names = dict(Mailbox.objects.filter(pk=owner_of(number)).values_list("pk", "address"))
    return _owner_named(engines.open_store(store), number, names)


def _owner_named(opened: engine.Store, number: int, names: dict[int, str]) -> str:
    if number == NOBODY:
        return _("Nobody: rescued by a recovery")
    if is_nobodys(number):
        label = opened.catalogue.mailbox_label(number) or f"#{number - ELSEWHERE}"
        return _("%(address)s, not here") % {"address": label}
    return label_of(number, names.get(owner_of(number), f"#{owner_of(number)}"))


def home_free_bytes() -> int | None:
    return free_bytes(paths.home())
