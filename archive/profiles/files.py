"""Taking mail in from the server's disk: folders of files, mbox files and Outlook data files below configured roots.

Incremental by file: one that was read to its end, and whose size and time are as then, isn't read again. A file counts
as read only after the engine acknowledged all of it; a run that was killed reads it again and finds what is there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from django.utils.translation import gettext as _

from archive import sources
from archive.errors import PathRefused
from archive.models import ProfileKind, SourceFile, SourceFolder, SourceMessage
from archive.profiles.context import Context, FolderRules, spool_dir
from archive.profiles.deleting import digest_of, is_safe
from archive.profiles.paths import check_path
from archive.profiles.recording import FolderWork
from archive.sources.names import shown
from archive.sources.pst import read_pst
from domains.models import Mailbox

LONGEST_NAME = 250
DAY_S = 86_400


def file_id(path: str) -> str:
    """A file's name in keys: its path below the profile's, or of a long one its hash."""
    if len(path) <= LONGEST_NAME and path.isprintable():
        return path
    return "sha256:" + hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


def key_of(name: str, inner: str, offset: int | None) -> str:
    """The key of a message in a file: its place in it, or (in an archive) a hash of where."""
    if not inner:
        return f"{name}#{offset or 0}"
    place = hashlib.sha256(f"{inner}\0{offset}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return f"{name}#{place}"


@dataclass(slots=True)
class Pending:
    """A file that was read and waits until all of it is acknowledged."""

    status: os.stat_result
    messages: int = 0
    unread: int = 0  # what is no message, and what a filter left out: such a file is looked at again


@dataclass(slots=True)
class Files:
    """What is known of the files of a profile; asked by the reader for each of them."""

    root: Path
    known: dict[str, tuple[int, int, int]]  # id -> size, mtime_ns, messages
    there: set[str] = field(default_factory=set)
    passed_over: int = 0
    begun: dict[str, Pending] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)

    def name(self, path: str) -> str:
        """Below the root, as it stands in a found message's path."""
        return file_id(path.removeprefix(shown(str(self.root))).lstrip("/") or self.root.name)

    def skips(self, path: str, status: os.stat_result) -> bool:
        name = self.name(path)
        self.there.add(name)
        known = self.known.get(name)
        if known is not None and known[:2] == (status.st_size, status.st_mtime_ns):
            self.passed_over += known[2]
            return True
        self.begun[name] = Pending(status)
        return False

    def finished(self, path: str) -> None:
        self.ended.append(self.name(path))


@dataclass(frozen=True, slots=True)
class Item:
    """A message of a file, or why something in it is none."""

    name: str  # of the file
    key: str
    found: sources.Found | sources.Rejected


def archive_files(context: Context) -> None:
    """Everything below the profile's path. Raises: PathRefused (it isn't there)."""
    root = check_path(context.settings["path"])
    if not root.exists():
        raise PathRefused(_("“%(path)s” does not exist.") % {"path": root})
    mailbox = context.profile.mailbox
    assert mailbox is not None
    rows = SourceFile.objects.filter(profile=context.profile)
    files = Files(root, {path: (size, at, count) for path, size, at, count in rows.values_list(
        "path", "size", "mtime_ns", "messages")})  # fmt: skip
    _Reading(context, mailbox, files).run()


class _Reading:
    def __init__(self, context: Context, mailbox: Mailbox, files: Files) -> None:
        self.context, self.mailbox, self.files = context, mailbox, files
        self.rules = FolderRules(context.settings)
        self.works: dict[str, FolderWork] = {}
        self.whole = context.recorder.begin(mailbox, "", "", "", shown=str(files.root))

    def run(self) -> None:
        left_out: dict[str, int] = {}
        for item in _items(self.context, self.files):
            pending = self.files.begun[item.name]
            if isinstance(item.found, sources.Rejected):
                pending.unread += 1
                self.context.recorder.fail(
                    self.whole, item.key, received_at=int(pending.status.st_mtime),
                    reason=f"{item.found.path}: {item.found.reason}",
                )  # fmt: skip
            else:
                pending.messages += 1
                self._take(item, item.found, pending, left_out)
            self._note_files()
        self.whole.line.found = self.whole.line.known = self.files.passed_over
        self.context.recorder.totals["known"] += self.files.passed_over
        self._settle()
        if not self.context.stopping():
            self.context.recorder.close(self.whole, self._present(left_out), left_out, "")
        self.context.take()

    def _take(self, item: Item, found: sources.Found, pending: Pending, left_out: dict[str, int]) -> None:
        received_at = found.received_at if found.received_at is not None else int(pending.status.st_mtime)
        if not self.rules.wants(found.folder):
            left_out[item.key] = received_at
            pending.unread += 1
            if found.spool is not None:
                found.spool.close()
            return
        target = self.rules.target(tuple(found.folder.split("/"))) if found.folder else self.rules.target(("INBOX",))
        if target not in self.works:
            self.works[target] = self.context.recorder.begin(self.mailbox, "", "", target, shown=found.folder or "/")
        work = self.works[target]
        work.line.found += 1
        self.context.recorder.put(
            work, item.key, [(self.context.intake(self.mailbox), self.mailbox.pk, target)], content=found.content,
            spool=found.spool, size=found.size, received_at=received_at,
        )  # fmt: skip
        self.context.look()

    def _note_files(self) -> None:
        """Files whose messages are all acknowledged and written count as read."""
        if not self.files.ended or any(work.open_tokens for work in self.works.values()):
            return
        self.context.recorder.write()
        ended, self.files.ended = self.files.ended, []
        rows = []
        for name in ended:
            pending = self.files.begun.pop(name)
            if not pending.unread:
                rows.append(
                    SourceFile(
                        profile=self.context.profile, path=name, size=pending.status.st_size,
                        mtime_ns=pending.status.st_mtime_ns, messages=pending.messages,
                    )
                )  # fmt: skip
        SourceFile.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["profile", "path"],
            update_fields=["size", "mtime_ns", "messages"],
        )

    def _settle(self) -> None:
        """Wait until the engine has all of it, so that the last files count as read."""
        for outlet in self.context.open_outlets():
            if outlet.ingest is not None:
                outlet.ingest.finish()
        self.context.take()
        self._note_files()

    def _present(self, left_out: dict[str, int]) -> list[str]:
        """Keys of all messages whose file is there, read now or passed over."""
        there = self.files.there
        keys = SourceMessage.objects.filter(folder=self.whole.row).values_list("key", flat=True)
        present = [key for key in keys.iterator() if key.rpartition("#")[0] in there]
        return [*present, *left_out, *(key for key in self.whole.failed if key not in left_out)]


def _items(context: Context, files: Files) -> Iterator[Item]:
    if context.profile.kind == ProfileKind.PST:
        yield from _pst_items(context, files)
        return
    kind = cast(sources.MboxKind, context.settings.get("mbox_format", "rd"))
    for found in sources.read([files.root], mbox=kind, spool_dir=spool_dir(), stop=context.stopping, watch=files):
        outer, _mark, inner = found.path.partition("!/")
        name = files.name(outer)
        if name not in files.begun:  # something that is no file at all: a link, a pipe
            files.begun[name] = Pending(files.root.stat())
            files.there.add(name)
        yield Item(name, key_of(name, inner, found.offset), found)


def _pst_items(context: Context, files: Files) -> Iterator[Item]:
    paths = [files.root] if files.root.is_file() else sorted(files.root.rglob("*.[pP][sS][tT]"))
    for path in paths:
        if context.stopping():
            return
        if not path.is_file() or path.is_symlink() or files.skips(shown(str(path)), path.stat()):
            continue
        name = files.name(shown(str(path)))
        for found in read_pst(path, spool_dir=spool_dir(), stop=context.stopping):
            yield Item(name, f"{name}#{found.offset or 0}", found)
        files.finished(shown(str(path)))


def delete_files(context: Context) -> None:
    """Files of which every message is safe in the archive and that are old enough; one that changed stays."""
    days = context.settings.get("delete_after_days")
    if days is None or context.profile.kind == ProfileKind.PST:
        return
    root = check_path(context.settings["path"])
    folder = SourceFolder.objects.filter(profile=context.profile, path="").first()
    if folder is None:
        return
    limit = time.time() - days * DAY_S
    for row in SourceFile.objects.filter(profile=context.profile, mtime_ns__lt=int(limit * 1e9)).order_by("path"):
        if context.stopping():
            return
        path = root if root.is_file() else root / row.path
        if row.path.startswith("sha256:") or path.is_symlink() or not path.is_file():
            continue
        _delete_file(context, folder, row, path)


def _delete_file(context: Context, folder: SourceFolder, row: SourceFile, path: Path) -> None:
    status = path.stat()
    if (status.st_size, status.st_mtime_ns) != (row.size, row.mtime_ns):
        return None
    messages = SourceMessage.objects.filter(folder=folder, key__startswith=f"{row.path}#").exclude(sha256=None)
    by_digest = {bytes(each.sha256): each for each in messages if each.sha256 is not None}
    kind = cast(sources.MboxKind, context.settings.get("mbox_format", "rd"))
    count = 0
    for found in sources.read([path], mbox=kind, spool_dir=spool_dir(), stop=context.stopping):
        if isinstance(found, sources.Rejected):
            return context.problem(f"{row.path} stays: {found.reason}")
        digest = digest_of(found.content, found.spool)
        known = by_digest.get(digest)
        why = "a message of it isn't archived" if known is None else is_safe(known, digest)
        if why:
            return context.problem(f"{row.path} stays at the source: {why}")
        count += 1
    if context.stopping() or count != row.messages or path.stat().st_mtime_ns != row.mtime_ns:
        return None
    path.unlink()
    messages.update(gone=True)
    row.delete()
    context.recorder.totals["deleted"] += count
    context.recorder.write()
    return context.progress()
