"""Handing mail out: to an IMAP server with dates, flags and folders, to files, as mbox, or to an SMTP server.

Exporting somebody's mail is reading it: each mailbox gets an entry in its owner's list of who read their mail, with the
profile's reason. What an IMAP server has already (by Message-ID and size, without one by its bytes) isn't put there
again, so a run that was killed goes on; to other targets it is remembered what they took.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from archive import engines
from archive import store as engine
from archive.models import ArchiveAccess, Profile, ProfileKind, ProfileRun, RunFolder, Sent, SourceMessage, Store
from archive.profiles.accounts import mailboxes_of
from archive.profiles.context import FolderRules, Signing, server_of, spool_dir
from archive.profiles.paths import check_path
from archive.query.language import parse
from archive.query.nodes import All, Node
from archive.remote.errors import CommandRefused
from archive.remote.imap import Folder, Imap
from archive.remote.smtp import MessageRefused, Smtp
from archive.selectors import open_stores
from archive.sources import writers
from archive.sources.export_names import safe_name, to_utf7
from archive.store.errors import Damaged
from config.kit import net
from domains.models import Mailbox
from jobs.running import TaskRun

WHOLE_BYTES = 4 << 20
FLAGS_AT_ONCE = 500
TRIES = 4
COUNTS = ("archived", "known", "failed", "bytes")


@dataclass(slots=True)
class Sending:
    """One run of an exporting profile."""

    actor: Actor
    run: TaskRun
    profile: Profile
    row: ProfileRun
    stopping: Callable[[], bool]
    errors: list[str] = field(default_factory=list)
    total: int = 0

    @property
    def who(self) -> str:
        return f"the profile “{self.profile.name}”"

    def problem(self, text: str) -> None:
        self.errors.append(text)
        self.run.log(text, level="error")

    def save(self, line: RunFolder) -> None:
        """The line of a folder, and what all lines come to."""
        line.save()
        self.row.save(update_fields=[*COUNTS])
        done = self.row.archived + self.row.known + self.row.failed
        counted = {"exported": self.row.archived, "known": self.row.known, "failed": self.row.failed}
        self.run.progress(done, max(self.total, done), "messages", line.path, **counted)

    def count(self, line: RunFolder, name: str, size: int = 0) -> None:
        setattr(line, name, getattr(line, name) + 1)
        setattr(self.row, name, getattr(self.row, name) + 1)
        if name == "archived":
            line.bytes += size
            self.row.bytes += size

    def fail(self, line: RunFolder, what: str, why: str) -> None:
        self.count(line, "failed")
        line.note = line.note or f"{what}: {why}"[:500]
        self.run.log(f"{line.mailbox} {line.path}, {what}: {why}", level="error")


@dataclass(frozen=True, slots=True)
class Part:
    """The messages of one folder of a mailbox in one store, as far as they are wanted."""

    mailbox: Mailbox
    store: Store
    opened: engine.Store
    folder: engine.Folder
    node: Node

    def rows(self) -> Iterator[engine.Row]:
        return self.opened.iterate(self.node, mailboxes={self.mailbox.pk}, folder=self.folder.number)


def export_profile(
    actor: Actor, run: TaskRun, profile: Profile, row: ProfileRun, stopping: Callable[[], bool]
) -> list[str]:
    """All of it; what went wrong with parts of it. Raises: NetError, RemoteError, StoreError, WriteFailed."""
    sending = Sending(actor, run, profile, row, stopping)
    mailboxes = list(mailboxes_of(profile))
    match profile.kind:
        case ProfileKind.EXPORT_IMAP:
            _to_imap(sending, mailboxes)
        case ProfileKind.EXPORT_SMTP:
            _to_smtp(sending, mailboxes)
        case _:
            _to_files(sending, mailboxes)
    return sending.errors


def _parts(sending: Sending, mailbox: Mailbox) -> Iterator[Part]:
    """Folder by folder; the owner sees that it was read."""
    rules = FolderRules({**sending.profile.settings, "folder": "", "skip_special": False})
    query = sending.profile.settings.get("query") or ""
    node: Node = parse(query) if query else All()
    for store in open_stores():
        opened = engines.open_store(store)
        for folder in opened.folders(mailbox.pk):
            if folder.messages and rules.wants(folder.path):
                sending.total += folder.messages
                yield Part(mailbox, store, opened, folder, node)


def _note_access(sending: Sending, mailbox: Mailbox, messages: int) -> None:
    """“Who read my mail” of the owner; a run of the machinery has no person, and stands in the audit trail."""
    if not messages:
        return
    reason = sending.profile.settings["reason"]
    audit.record(sending.actor, "mail.export", mailbox, reason=reason, profile=sending.profile.name, messages=messages)
    if sending.actor.user is None:
        return
    now = timezone.now()
    ArchiveAccess.objects.create(
        user=sending.actor.user, mailbox=mailbox, reason=reason, expires_at=now,
        closed_at=now, exported_messages=messages,
    )  # fmt: skip


def _line(sending: Sending, part: Part, target: str) -> RunFolder:
    return RunFolder.objects.create(
        run=sending.row, mailbox=part.mailbox.address, path=part.folder.path, target=target, found=part.folder.messages
    )


def _chunks(part: Part, row: engine.Row) -> Iterable[bytes]:
    return [part.opened.read(row.number)] if row.size <= WHOLE_BYTES else part.opened.stream(row.number)


# --- IMAP --------------------------------------------------------------------------------------------------------


def _to_imap(sending: Sending, mailboxes: list[Mailbox]) -> None:
    signing = Signing(sending.profile, sending.who)
    many = bool(sending.profile.settings.get("login_format"))
    for mailbox in mailboxes:
        before = sending.row.archived
        below = "" if many or len(mailboxes) == 1 else mailbox.address
        for part in _parts(sending, mailbox):
            if sending.stopping():
                break
            _ImapTarget(sending, signing, mailbox.address if many else "", below).put(part)
        _note_access(sending, mailbox, sending.row.archived - before)
        if sending.stopping():
            return


@dataclass(slots=True)
class _ImapTarget:
    """One folder's way to an IMAP server; a broken connection is made again and compared anew."""

    sending: Sending
    signing: Signing
    address: str
    below: str
    fruitless: int = 0

    def put(self, part: Part) -> None:
        line = _line(self.sending, part, "")
        while True:
            try:
                server = server_of(self.sending.profile.settings)
                login = self.signing.login(self.address)
                with Imap(server, login, spool_dir=spool_dir(), who=self.sending.who) as client:
                    return self._put_all(client, part, line)
            except net.NetError as error:
                self.fruitless += 1
                if self.fruitless >= TRIES or error.permanent or self.sending.stopping():
                    raise
                self.sending.run.log(f"{part.folder.path}: {error}; connecting again", level="warning")

    def _put_all(self, client: Imap, part: Part, line: RunFolder) -> None:
        name = self._name(client.separator(), part.folder.path)
        line.target = name.decode("ascii", "replace")
        line.known = 0 if not self.fruitless else line.known
        client.make_folder(name)
        there = _There.of(client, name)
        rows: list[engine.Row] = []
        for row in part.rows():
            rows.append(row)
            if len(rows) == FLAGS_AT_ONCE:
                self._put_rows(client, name, part, line, rows, there)
                rows = []
            if self.sending.stopping():
                break
        self._put_rows(client, name, part, line, rows, there)
        self.sending.save(line)

    def _put_rows(
        self, client: Imap, name: bytes, part: Part, line: RunFolder, rows: list[engine.Row], there: _There
    ) -> None:
        known = _known_of(part, rows)
        for row in rows:
            if self.sending.stopping():
                return
            try:
                content = with_crlf(b"".join(_chunks(part, row)))
            except Damaged as error:
                self.sending.fail(line, f"message {row.number}", str(error))
                continue
            if there.has(client, row.message_id, content):
                if not self.fruitless:
                    self.sending.count(line, "known")
                continue
            received_at, flags = known.get(row.number, (row.date, self._usual_flags()))
            try:
                client.append(name, len(content), [content], flags=flags, received_at=received_at)
            except CommandRefused as error:
                self.sending.fail(line, row.message_id or f"message {row.number}", str(error))
                continue
            there.note(row.message_id, content)
            self.sending.count(line, "archived", row.size)
            self.fruitless = 0
        self.sending.save(line)

    def _usual_flags(self) -> tuple[str, ...]:
        return ("\\Seen",) if self.sending.profile.settings.get("mark_read") else ()

    def _name(self, separator: bytes, path: str) -> bytes:
        """As the server writes it; a slash that was part of a name is one again where it parts nothing there."""
        parts = [part for part in (self.sending.profile.settings["folder"], self.below) if part]
        full = "/".join([*parts, path])
        names = full.split("/")
        if names[0] == "Inbox":
            names[0] = "INBOX"
        if separator != b"/":
            names = [name.replace("∕", "/") for name in names]
        shown = separator.decode("ascii", "replace")
        return separator.join(
            to_utf7(name.replace(shown, "_") if shown else name).encode("ascii", "replace") for name in names
        )


class _There:
    """What a folder at the target has already."""

    def __init__(self) -> None:
        self._by_id: set[tuple[str, int]] = set()
        self._without: dict[int, list[int]] = {}  # size -> UIDs of messages without a Message-ID
        self._digests: set[bytes] = set()
        self._folder = Folder(b"", ())

    @classmethod
    def of(cls, client: Imap, name: bytes) -> _There:
        there = cls()
        there._folder = Folder(name, ())
        client.open(there._folder)
        for each in client.headings(client.search()):
            message_id = each.message_id.strip().strip("<>")
            if message_id:
                there._by_id.add((message_id, each.size))
            else:
                there._without.setdefault(each.size, []).append(each.uid)
        return there

    def has(self, client: Imap, message_id: str, content: bytes) -> bool:
        if message_id:
            return (message_id, len(content)) in self._by_id
        for uid in self._without.pop(len(content), []):
            for each in client.fetch([uid]):
                self._digests.add(hashlib.sha256(each.content or b"").digest())
        return hashlib.sha256(content).digest() in self._digests

    def note(self, message_id: str, content: bytes) -> None:
        if message_id:
            self._by_id.add((message_id, len(content)))
        else:
            self._digests.add(hashlib.sha256(content).digest())


def _known_of(part: Part, rows: list[engine.Row]) -> dict[int, tuple[int, tuple[str, ...]]]:
    """When messages arrived at their source and which flags they had, where an archiving profile brought them."""
    found = (
        SourceMessage.objects.exclude(number=None)
        .filter(store=part.store, number__in=[row.number for row in rows], folder__mailbox=part.mailbox)
        .values_list("number", "received_at", "flags")
    )
    return {int(number or 0): (int(moment.timestamp()), tuple(flags.split())) for number, moment, flags in found}


def with_crlf(content: bytes) -> bytes:
    """Line ends as the protocol wants them: a lone LF becomes CRLF."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", content) if b"\n" in content.replace(b"\r\n", b"") else content


# --- SMTP --------------------------------------------------------------------------------------------------------


def _to_smtp(sending: Sending, mailboxes: list[Mailbox]) -> None:
    settings = sending.profile.settings
    signing = Signing(sending.profile, sending.who)
    login = signing.login() if settings["user_name"] else None
    helo = urlsplit(django_settings.PUBLIC_URL).hostname or "localhost"
    with Smtp(server_of(settings), login, helo=helo, who=sending.who) as client:
        for mailbox in mailboxes:
            before = sending.row.archived
            for part in _parts(sending, mailbox):
                _send_part(sending, client, part, settings["recipient"] or mailbox.address)
            _note_access(sending, mailbox, sending.row.archived - before)


def _send_part(sending: Sending, client: Smtp, part: Part, recipient: str) -> None:
    line = _line(sending, part, recipient)
    doubtful = _in_doubt(sending, part)
    sent = _sent_before(sending, part)
    for row in part.rows():
        if sending.stopping():
            break
        what = row.message_id or f"message {row.number}"
        if row.number in doubtful and row.number in sent:
            sending.fail(line, what, _IN_DOUBT)
            Sent.objects.filter(pk=doubtful[row.number]).update(in_doubt=False)  # said once
            continue
        if row.number in sent:
            sending.count(line, "known")
            continue
        where = {"profile": sending.profile, "store": part.store, "folder": part.folder.number, "number": row.number}
        noted = Sent.objects.create(**where, in_doubt=True)
        try:
            client.send(sending.profile.settings["sender"], [recipient], row.size, _chunks(part, row))
        except (MessageRefused, Damaged) as error:
            noted.delete()
            sending.fail(line, what, str(error))
            continue
        except net.NetError:
            if not client.in_doubt:
                noted.delete()
            raise
        Sent.objects.filter(pk=noted.pk).update(in_doubt=False)
        sending.count(line, "archived", row.size)
        sending.save(line)
    sending.save(line)


_IN_DOUBT = "an earlier run broke off while handing it over: the server may have it, so it isn't sent again"


def _in_doubt(sending: Sending, part: Part) -> dict[int, int]:
    """Messages that a run was handing over when it died (at most one), by number: the rows that say so."""
    rows = Sent.objects.filter(profile=sending.profile, store=part.store, folder=part.folder.number, in_doubt=True)
    return dict(rows.values_list("number", "pk"))


def _sent_before(sending: Sending, part: Part) -> set[int]:
    if not sending.profile.settings.get("only_new", True):
        Sent.objects.filter(profile=sending.profile, store=part.store, folder=part.folder.number).delete()
        return set()
    rows = Sent.objects.filter(profile=sending.profile, store=part.store, folder=part.folder.number)
    return set(rows.values_list("number", flat=True))


# --- files -------------------------------------------------------------------------------------------------------


def _to_files(sending: Sending, mailboxes: list[Mailbox]) -> None:
    """A new folder for each run below the profile's path, whole or not there at all."""
    root = check_path(sending.profile.settings["path"], writes=True)
    name = safe_name(sending.profile.name, 80) or "export"
    target = root / f"{name} {timezone.localtime():%Y-%m-%d %H%M%S} {sending.row.pk}"
    kind = writers.MboxWriter if sending.profile.kind == ProfileKind.EXPORT_MBOX else writers.EmlWriter
    taken: list[Sent] = []
    exported: dict[int, int] = {}
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(_Stopped), kind(target) as writer:
        for mailbox in mailboxes:
            before = sending.row.archived
            for part in _parts(sending, mailbox):
                _write_part(sending, writer, part, mailbox.address if len(mailboxes) > 1 else "", taken)
            exported[mailbox.pk] = sending.row.archived - before
            if sending.stopping():
                raise _Stopped
        if not taken:
            raise _Stopped  # nothing new: no empty folder
    if sending.stopping():
        return
    Sent.objects.bulk_create(taken, ignore_conflicts=True, batch_size=5_000)
    for mailbox in mailboxes:
        _note_access(sending, mailbox, exported.get(mailbox.pk, 0))
    if taken:
        RunFolder.objects.filter(run=sending.row).update(target=str(target))


class _Stopped(Exception):  # no error: leaves the writer, which then leaves nothing behind
    """Asked to stop, or nothing to write."""


def _write_part(
    sending: Sending, writer: writers.EmlWriter | writers.MboxWriter, part: Part, below: str, taken: list[Sent]
) -> None:
    line = _line(sending, part, "")
    sent = _sent_before(sending, part)
    folder = f"{below}/{part.folder.path}" if below else part.folder.path
    for row in part.rows():
        if sending.stopping():
            raise _Stopped
        if row.number in sent:
            sending.count(line, "known")
            continue
        try:
            writer.add(folder, row.subject or str(row.number), _chunks(part, row), row.date)
        except Damaged as error:
            sending.fail(line, f"message {row.number}", str(error))
            continue
        taken.append(Sent(profile=sending.profile, store=part.store, folder=part.folder.number, number=row.number))
        sending.count(line, "archived", row.size)
    sending.save(line)
