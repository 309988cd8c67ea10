"""Deleting at the source what is safely in the archive: read back from its pack, compared with the source, found.

Never by what the database says alone. A message is deleted at the source only when its bytes there and the bytes read
back from the store have the hash the journal has, it is placed in a mailbox, and the index finds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import BinaryIO

from django.utils import timezone

from archive import engines
from archive.errors import StoreUnavailable
from archive.mail.journal_reports import unpack
from archive.models import ProfileKind, RunFolder, SourceFolder, SourceMessage, Store
from archive.profiles.context import Context, Signing, server_of, spool_dir
from archive.profiles.recording import key_of
from archive.remote.errors import CommandRefused
from archive.remote.imap import Folder, Imap
from archive.remote.pop3 import Pop3
from archive.ruling import archives_of
from archive.selectors import open_stores
from archive.store.errors import StoreError
from config.kit import net
from domains.models import Mailbox

BATCH = 200


def due(folder: SourceFolder, days: int) -> list[SourceMessage]:
    """Messages of a folder that are archived, and old enough by when they arrived."""
    limit = timezone.now() - timedelta(days=days)
    rows = SourceMessage.objects.filter(folder=folder, gone=False, received_at__lt=limit).exclude(sha256=None)
    return list(rows.select_related("folder").order_by("received_at"))


def is_safe(row: SourceMessage, digest: bytes) -> str:
    """Nothing when the archive gives back exactly these bytes, and finds them; else why not."""
    if row.sha256 is None or bytes(row.sha256) != digest:
        return "the source has other bytes now than were archived"
    store = None if row.store_id is None else Store.objects.filter(pk=row.store_id).first()
    if store is None or not store.is_open or row.number is None:
        return "its store is not open"
    try:
        opened = engines.open_store(store)
        kept = opened.row(row.number)
        if kept is None or kept.sha256 != digest.hex() or not archives_of(kept):
            return "it is not in the archive any more"
        owner = row.folder.mailbox_id
        if owner is not None and all(mailbox != owner for _folder, mailbox in kept.placements):
            return "it is not in the archive of its mailbox any more"  # somebody else's copy is no copy of theirs
        read = hashlib.sha256()
        for piece in opened.stream(row.number):
            read.update(piece)
        if read.digest() != digest:
            return "what the archive gives back differs"
        if opened.index.has([row.number]) != 1:
            return "the index doesn't find it"
    except (StoreError, StoreUnavailable, OSError) as error:
        return f"it can't be read back: {error}"
    return ""


def _others_are_safe(row: SourceMessage, digest: bytes) -> str:
    """A report may concern people of several customers, whose stores each have the message: all must give it back."""
    for store in open_stores():
        if store.pk == row.store_id:
            continue
        try:
            opened = engines.open_store(store)
            for number in opened.catalogue.find_sha256([digest]).values():
                opened.read(number)
        except (StoreError, StoreUnavailable, OSError) as error:
            return f"its copy in “{store.name}” can't be read back: {error}"
    return ""


def digest_of(content: bytes | None, spool: BinaryIO | None) -> bytes:
    """The hash of a message as it was fetched; a spool is closed after it."""
    if spool is None:
        return hashlib.sha256(content or b"").digest()
    digest = hashlib.sha256()
    with spool:
        while piece := spool.read(1 << 20):
            digest.update(piece)
    return digest.digest()


class Deleting:
    """The part of a run that deletes at a server; after the engine has everything and the index caught up."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.signing = Signing(context.profile, context.who)

    def run(self) -> None:
        """Folder by folder. Errors are named and keep nothing from the other folders."""
        days = self.context.settings.get("delete_after_days")
        if days is None:
            return
        many = self.context.profile.kind == ProfileKind.IMAP_USERS
        for folder in self.context.profile.source_folders.select_related("mailbox"):
            if self.context.stopping():
                return
            rows = due(folder, days)
            if not rows:
                continue
            try:
                self._delete(folder, rows, _address(folder.mailbox) if many else "")
            except (net.NetError, CommandRefused) as error:
                self.context.problem(f"{folder.path}: nothing more is deleted there: {error}")

    def _delete(self, folder: SourceFolder, rows: Sequence[SourceMessage], address: str) -> None:
        by_pop = self.context.profile.kind == ProfileKind.POP3 or self.context.settings.get("protocol") == "pop3"
        server, login = server_of(self.context.settings), self.signing.login(address)
        if by_pop:
            with Pop3(server, login, spool_dir=spool_dir(), who=self.context.who) as client:
                gone = self._delete_by_pop(client, rows)
            self._note(folder, gone)
            return
        with Imap(server, login, spool_dir=spool_dir(), who=self.context.who) as imap:
            self._delete_by_imap(imap, folder, rows)

    def _delete_by_pop(self, client: Pop3, rows: Sequence[SourceMessage]) -> list[SourceMessage]:
        numbers = {key_of(name): number for number, name in client.unique_ids().items()}
        gone = []
        for row in rows:
            if row.key in numbers and not self.context.stopping():
                content, spool, _size = client.retrieve(numbers[row.key])
                if self._agrees(row, self._compared(row, content, spool)):
                    client.delete(numbers[row.key])
                    gone.append(row)
        return gone

    def _delete_by_imap(self, client: Imap, folder: SourceFolder, rows: Sequence[SourceMessage]) -> None:
        there = next((each for each in client.folders() if each.path == folder.path), None)
        if there is None or str(client.open(there, to_change=True).validity) != folder.validity:
            return
        present = set(client.search())
        left = [row for row in rows if row.key.isdigit() and int(row.key) in present]
        for at in range(0, len(left), BATCH):
            if self.context.stopping():
                return
            self._delete_batch(client, there, folder, left[at : at + BATCH])

    def _delete_batch(self, client: Imap, there: Folder, folder: SourceFolder, rows: Sequence[SourceMessage]) -> None:
        by_uid = {int(row.key): row for row in rows}
        safe: dict[int, SourceMessage] = {}
        for each in client.fetch(sorted(by_uid)):
            row = by_uid.get(each.uid)
            if row is not None and self._agrees(row, self._compared(row, each.content, each.spool)):
                safe[each.uid] = row
        if not safe:
            return
        if not client.delete(sorted(safe)):
            self.context.problem(f"{there.path}: others marked messages as deleted, and the server can't part them")
            return
        self._note(folder, list(safe.values()))

    def _compared(self, row: SourceMessage, content: bytes | None, spool: BinaryIO | None) -> str:
        if self.context.profile.kind != ProfileKind.JOURNAL:
            return is_safe(row, digest_of(content, spool))
        digest = hashlib.sha256(_message_of_report(content, spool)).digest()  # what is archived is the message inside
        return is_safe(row, digest) or _others_are_safe(row, digest)

    def _agrees(self, row: SourceMessage, why: str) -> bool:
        if why:
            self.context.problem(f"message {row.key} stays at the source: {why}")
        return not why

    def _note(self, folder: SourceFolder, rows: Iterable[SourceMessage]) -> None:
        """The server has said that they are gone."""
        keys = [row.key for row in rows]
        SourceMessage.objects.filter(folder=folder, key__in=keys).update(gone=True)
        SourceFolder.objects.filter(pk=folder.pk).update(seen="")
        self.context.recorder.totals["deleted"] += len(keys)
        line = RunFolder.objects.filter(run=self.context.recorder.run, path=folder.path)
        for each in line.filter(mailbox=_address(folder.mailbox)) or line[:1]:
            each.deleted += len(keys)
            each.save(update_fields=["deleted"])
        self.context.recorder.write()
        self.context.progress()


def _address(mailbox: Mailbox | None) -> str:
    return "" if mailbox is None else mailbox.address


def _message_of_report(content: bytes | None, spool: BinaryIO | None) -> bytes:
    if spool is not None:
        with spool:
            content = spool.read()
    return unpack(content or b"").message
