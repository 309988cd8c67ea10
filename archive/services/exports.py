"""Taking mail out: byte-identical messages as files, to a folder on this machine or prepared for download.

Reading somebody's mail is reading: one's own, an archive that is open to the actor, or the console's. Streams: a
message is in memory only while it is small. Not for writing files (`archive.sources.writers`).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import EndUserRight
from archive import engines
from archive import store as engine
from archive.errors import ArchiveClosed, BadArguments, PathRefused
from archive.models import Export, ExportFormat, Store
from archive.permissions import reads_everything
from archive.query import nodes
from archive.query.language import parse
from archive.selectors import Archive, Scope, get_mailbox, open_stores, readable_archives
from archive.services.access import note_export
from archive.services.imports import clean_folder, is_uuid
from archive.services.places import path_of, text_of
from archive.sources import writers
from archive.store.errors import Damaged
from domains.models import Mailbox
from jobs.running import TaskRun

WHOLE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ExportArguments:
    """Whose mail, which of it, as what, where: `destination` is a new or empty folder, `export` a prepared row."""

    user: str
    format: str
    folder: str | None = None
    query: str | None = None
    destination: str | None = None
    export: str | None = None


Writer = writers.EmlWriter | writers.MboxWriter | writers.MaildirWriter


class _Stopped(Exception):  # no error: leaves the writer, which then leaves nothing behind
    """Asked to stop."""


def check_export(actor: Actor, arguments: ExportArguments) -> tuple[Mailbox, nodes.Node]:
    """Whose archive and which messages. Raises: ArchiveClosed, BadArguments, QueryError."""
    mailbox = _archive(actor, arguments.user).mailbox
    if arguments.format not in ExportFormat.values:
        raise BadArguments(f"format is one of {', '.join(ExportFormat.values)}")
    node = parse(arguments.query or "")
    if arguments.folder:
        inside = nodes.InFolder(clean_folder(arguments.folder))
        node = inside if isinstance(node, nodes.All) else nodes.And((inside, node))
    return mailbox, node


def _archive(actor: Actor, address: str) -> Archive:
    """The archive, as far as the actor may read it. Raises: ArchiveClosed, Forbidden."""
    if reads_everything(actor):
        return Archive(get_mailbox(address))
    for archive in readable_archives(actor):
        if archive.mailbox.address == address.strip().lower():
            if archive.access is None:
                actor.require_own(EndUserRight.EXPORT_MAIL)
            return archive
    raise ArchiveClosed(_("The archive of “%(address)s” is not open to you.") % {"address": address})


def prepare_export(actor: Actor, *, address: str, format: str, folder: str = "", query: str = "") -> Export:
    """The row of a download to come; the caller submits ExportMail with it. Raises: as check_export, Forbidden."""
    if actor.user is None:
        raise Forbidden("only a signed-in person can download")
    arguments = ExportArguments(user=address, format=format, folder=folder or None, query=query or None)
    mailbox, _node = check_export(actor, arguments)
    with transaction.atomic():
        export = Export.objects.create(user=actor.user, mailbox=mailbox, format=format, folder=folder, query=query)
        audit.record(actor, "mail.export", mailbox, format=format, folder=folder, query=query)
    return export


def export_mail(actor: Actor, run: TaskRun, arguments: ExportArguments) -> dict[str, object]:
    """Write every message that matches, once per folder it lies in, byte-identical.

    Raises: ArchiveClosed, BadArguments, PathRefused, QueryError, StoreError; Cancelled, with nothing left behind.
    """
    started = time.monotonic()
    mailbox, node = check_export(actor, arguments)
    export = _prepared(actor, arguments, mailbox)
    destination = check_destination(actor, arguments) if export is None else export.root
    if export is None:
        audit.record(actor, "mail.export", mailbox, format=arguments.format, destination=text_of(destination))
    result = _Export(run, _archive(actor, arguments.user), node, arguments.folder).run(destination, arguments.format)
    result |= {"seconds": round(time.monotonic() - started, 3), "format": arguments.format, "user": mailbox.address}
    if run.stopping():
        if export is not None:
            remove_export(export)
        raise run.cancelled(result)
    if export is None:
        return result | {"destination": text_of(destination)}
    note_export(actor, mailbox, int(str(result["messages"])))
    Export.objects.filter(pk=export.pk).update(ready=True, messages=result["messages"], size_bytes=result["bytes"])
    return result | {"export": str(export.pk)}


def _prepared(actor: Actor, arguments: ExportArguments, mailbox: Mailbox) -> Export | None:
    if arguments.export is None:
        return None
    mine = Export.objects.filter(user=actor.user, mailbox=mailbox, removed_at=None)
    found = mine.filter(pk=arguments.export).first() if is_uuid(arguments.export) else None
    if found is None or actor.user is None:
        raise BadArguments(_("This export is gone; ask for it again."))
    shutil.rmtree(found.root, ignore_errors=True)  # of a run that was killed
    found.root.mkdir(mode=0o700, parents=True)
    return found


def check_destination(actor: Actor, arguments: ExportArguments) -> Path:
    """A folder only the machine's own people can name. Raises: Forbidden, BadArguments, PathRefused."""
    if actor.kind == "user":
        raise Forbidden("exports to a folder are for the shell")
    if not arguments.destination:
        raise BadArguments("say where to: a new or empty folder")
    path = path_of(arguments.destination)
    if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise PathRefused(f"“{path}” must be new or an empty folder")
    return path


def _writer(format: str, destination: Path) -> Writer:
    match format:
        case "eml":
            return writers.EmlWriter(destination)
        case "mbox":
            return writers.MboxWriter(destination)
        case _:
            return writers.MaildirWriter(destination)


class _Export:
    """One run: from the stores to a writer."""

    def __init__(self, run: TaskRun, archive: Archive, node: nodes.Node, folder: str | None) -> None:
        self._run = run
        self._archive = archive
        self._mailbox = archive.mailbox
        self._node = node
        self._folder = clean_folder(folder) if folder else None
        self._messages = 0
        self._bytes = 0
        self._altered: list[dict[str, str]] = []
        self._failed: list[dict[str, str]] = []

    def run(self, destination: Path, format: str) -> dict[str, object]:
        stores = [(store, engines.open_store(store)) for store in open_stores()]
        total = sum(self._count(opened) for _store, opened in stores)
        self._run.progress(0, total)
        with contextlib.suppress(_Stopped), _writer(format, destination) as writer:
            for store, opened in stores:
                self._write_store(store, opened, writer, total)
        return {
            "task": self._run.task_id,
            "messages": self._messages,
            "bytes": self._bytes,
            "altered": self._altered,
            "failed": self._failed,
        }

    def _count(self, opened: engine.Store) -> int:
        """How many may be read; a folder that may not isn't counted."""
        folders = Scope.of(self._archive).folders_in(opened)
        if folders is not None and not folders:
            return 0
        return opened.search(self._node, mailboxes={self._mailbox.pk}, folders=folders, limit=1).total

    def _write_store(self, store: Store, opened: engine.Store, writer: Writer, total: int) -> None:
        paths = {each.number: each.path for each in opened.folders(self._mailbox.pk)}
        everything = isinstance(self._node, nodes.All)
        for row in opened.iterate(self._node, mailboxes={self._mailbox.pk}):
            if self._run.stopping():
                raise _Stopped
            # Without a query the engine gives every placement as a line of its own, that one first.
            for folder, mailbox in row.placements[:1] if everything else row.placements:
                if mailbox == self._mailbox.pk and self._wanted(paths.get(folder)):
                    self._write(store, opened, row, paths[folder], writer)
            self._run.progress(self._messages, max(total, self._messages), written_bytes=self._bytes)

    def _wanted(self, path: str | None) -> bool:
        if path is None or not self._archive.allows(path):
            return False
        return self._folder is None or path == self._folder or path.startswith(self._folder + "/")

    def _write(self, store: Store, opened: engine.Store, row: engine.Row, folder: str, writer: Writer) -> None:
        public_id = f"{store.pk}:{row.number}"
        try:
            chunks = iter([opened.read(row.number)]) if row.size <= WHOLE_BYTES else opened.stream(row.number)
            written = writer.add(folder, row.subject or str(row.number), chunks, row.date)
        except Damaged as error:
            self._failed.append({"id": public_id, "reason": str(error)})
            self._run.log(f"{public_id}: {error}", level="error")
            return
        self._messages += 1
        self._bytes += row.size
        if written.altered:
            self._altered.append({"id": public_id, "path": str(written.path)})


def delete_export(actor: Actor, export: Export) -> None:
    """Whose it is deletes it before its time. Raises: Forbidden for who may only read."""
    actor.require_writing()
    remove_export(export)


def remove_export(export: Export) -> None:
    """Delete the prepared files; doing it twice changes nothing."""
    shutil.rmtree(export.root, ignore_errors=True)
    Export.objects.filter(pk=export.pk, removed_at=None).update(removed_at=timezone.now())


def remove_expired_exports() -> int:
    """Downloads whose time is over go."""
    expired = list(Export.objects.filter(removed_at=None, expires_at__lt=timezone.now()))
    for export in expired:
        remove_export(export)
    return len(expired)
