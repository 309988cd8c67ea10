"""Making evidence packages: messages of an investigation with all that others need to check them, as one .zip.

Whose mail: one's own, or that of people whose mail the actor may read for a reason. Each of those people sees, under
"Who read my mail", that a package was made, by whom, why, what was searched for, and how many messages went into it.
Not for the format (`archive.evidence.packages`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import FolderGrant
from accounts.permissions import EndUserRight, Right
from archive import engines
from archive import store as engine
from archive.errors import ArchiveClosed, BadArguments, ExportGone, PathRefused
from archive.evidence import packages as writing
from archive.evidence.leaves import Leaves
from archive.evidence.tree import prove
from archive.models import Case, EvidencePackage, PackageFormat, Store, StoreCheckpoint
from archive.permissions import reads_everything
from archive.query import nodes
from archive.query.language import parse
from archive.selectors import Archive, get_mailbox, open_stores
from archive.services import evidence, package_notes
from archive.services.places import path_of, text_of
from archive.store.errors import Damaged
from domains.models import Mailbox
from domains.selectors import mailbox_of
from jobs.commands import About
from jobs.running import TaskRun

_PUBLIC_ID = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17})", re.ASCII)
WHOLE_BYTES = 4 << 20
MOST_CHOSEN = 10_000


@dataclass(frozen=True, slots=True)
class PackageArguments:
    """Whose mail, which of it, why, and for the shell where to: `destination` is a new file."""

    reason: Annotated[str, About(gettext_lazy("Reason"))]
    mailboxes: Annotated[list[str], About(gettext_lazy("Mailboxes"))] = field(default_factory=list)
    query: Annotated[str, About(gettext_lazy("Only messages that match"))] = ""
    messages: Annotated[list[str], About(gettext_lazy("Or just these messages"))] = field(default_factory=list)
    format: Annotated[str, About(gettext_lazy("As"), choices=dict(PackageFormat.choices))] = "eml"
    case: Annotated[int | None, About(gettext_lazy("Number of the case"))] = None
    destination: Annotated[str | None, About(gettext_lazy("File on the server, from its shell"))] = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for, understood: whose archives (None: all there are), which messages of them."""

    archives: dict[int, Archive] | None
    node: nodes.Node
    chosen: dict[int, list[int]]  # by store; empty: all that match

    @property
    def mailboxes(self) -> set[int] | None:
        return None if self.archives is None else set(self.archives)


@dataclass(slots=True)
class _Part:
    """What of one store goes into the package."""

    store: Store
    opened: engine.Store
    numbers: list[int]
    checkpoint: StoreCheckpoint
    leaves: dict[int, writing.Leaf]
    places: dict[int, int]


def check_package(actor: Actor, arguments: PackageArguments) -> Selection:
    """Whose archives and which messages. Raises: Forbidden, ArchiveClosed, BadArguments, PathRefused, QueryError."""
    if arguments.format not in PackageFormat.values:
        raise BadArguments(_("Choose one of the formats."))
    if len(_reason(arguments)) < 5:
        raise BadArguments(_("Say why, in a few words; the owners will read it."), field="reason")
    archives = _archives(actor, arguments.mailboxes)
    _case(actor, arguments)
    if arguments.destination is not None:
        _destination(actor, arguments.destination)
    return Selection(archives, parse(arguments.query), _chosen(arguments.messages))


def _reason(arguments: PackageArguments) -> str:
    return " ".join(arguments.reason.replace("\0", " ").split())[:500]


def _case(actor: Actor, arguments: PackageArguments) -> Case | None:
    """The case it is for, whose custodians' mail it is. Raises: Forbidden, BadArguments."""
    if arguments.case is None:
        return None
    actor.require(Right.MANAGE_HOLDS)
    found = Case.objects.filter(pk=arguments.case, state=Case.State.OPEN).first()
    custodians = set() if found is None else set(found.mailboxes.values_list("address", flat=True))
    if found is None or not {address.strip().lower() for address in arguments.mailboxes} <= custodians:
        raise BadArguments(_("There is no open case of this number with these mailboxes."), field="case")
    return found


def _archives(actor: Actor, addresses: Sequence[str]) -> dict[int, Archive] | None:
    wanted = list(dict.fromkeys(address.strip() for address in addresses if address.strip()))
    if not wanted:
        if reads_everything(actor):
            return None
        raise BadArguments(_("Say whose mail, by the addresses of their mailboxes."), field="mailboxes")
    found = [_archive(actor, address) for address in wanted]
    return {archive.mailbox.pk: archive for archive in found}


def _archive(actor: Actor, address: str) -> Archive:
    """One archive with what was said of its folders for this person. Raises: ArchiveClosed, Forbidden."""
    mailbox = get_mailbox(address)
    if reads_everything(actor):
        return Archive(mailbox)
    assert actor.user is not None
    own = mailbox_of(actor.user)
    if own is not None and own.pk == mailbox.pk and actor.may_read_mail:
        actor.require_own(EndUserRight.EXPORT_MAIL)
    elif not actor.has(Right.READ_OTHERS_MAIL, mailbox) or not actor.may_read_mail:
        raise ArchiveClosed(_("There is no mailbox “%(address)s”.") % {"address": address})
    return Archive(mailbox, grants=tuple(FolderGrant.objects.filter(user=actor.user, mailbox_id=mailbox.pk)))


def _chosen(public_ids: Sequence[str]) -> dict[int, list[int]]:
    if len(public_ids) > MOST_CHOSEN:
        raise BadArguments(_("At most %(count)d messages can be named; search for more.") % {"count": MOST_CHOSEN})
    found: dict[int, list[int]] = {}
    for public_id in public_ids:
        match = _PUBLIC_ID.fullmatch(public_id.strip())
        if match is None:
            raise BadArguments(_("“%(text)s” is not the number of a message.") % {"text": public_id}, field="messages")
        found.setdefault(int(match[1]), []).append(int(match[2]))
    return found


def _destination(actor: Actor, text: str) -> Path:
    """A file only the machine's own people can name. Raises: Forbidden, PathRefused."""
    if actor.kind == "user":
        raise Forbidden("files on the server are for the shell")
    path = path_of(text)
    if path.exists() or path.is_symlink():
        raise PathRefused(f"“{path}” is there already")
    return path


def make_package(actor: Actor, run: TaskRun, arguments: PackageArguments) -> dict[str, object]:
    """Make it: a row, the events, the file. What can't be read is left out and named in the package.

    Raises: as check_package, StoreError, SealedError; Cancelled, with nothing left behind.
    """
    selection = check_package(actor, arguments)
    package = _row(actor, run, arguments, selection)
    path = package.path if arguments.destination is None else _destination(actor, arguments.destination)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        counts = _Making(actor, run, package, selection).write(path)
    except BaseException:
        path.unlink(missing_ok=True)
        remove_package(package)
        raise
    package_notes.note_counts(actor, package, counts)
    audit.record(actor, "package.ready", package, messages=package.messages, sha256=package.sha256)
    result: dict[str, object] = {
        "task": run.task_id, "package": str(package.pk), "messages": package.messages, "left_out": package.left_out,
        "bytes": package.size_bytes, "sha256": package.sha256,
    }  # fmt: skip
    return result if arguments.destination is None else result | {"destination": text_of(path)}


def _row(actor: Actor, run: TaskRun, arguments: PackageArguments, selection: Selection) -> EvidencePackage:
    archives = list((selection.archives or {}).values())
    with transaction.atomic():
        package = EvidencePackage.objects.create(
            user=actor.user,
            by_label=actor.label[:300],
            reason=_reason(arguments),
            mailboxes=[archive.mailbox.address for archive in archives],
            query=arguments.query.replace("\0", ""),
            chosen=list(arguments.messages),
            case=_case(actor, arguments),
            format=arguments.format,
            task_id=run.task_id,
        )
        audit.record(
            actor, "package.create", package, reason=package.reason, mailboxes=package.mailboxes,
            query=package.query[:500], chosen=len(package.chosen),
        )  # fmt: skip
        package_notes.note_owners(actor, package, [archive.mailbox for archive in archives])
    return package


class _Making:
    """One run: from the stores to the file."""

    def __init__(self, actor: Actor, run: TaskRun, package: EvidencePackage, selection: Selection) -> None:
        self._actor, self._run, self._package, self._selection = actor, run, package, selection
        self._names: dict[int, str] = {}
        self._left_out: list[dict[str, str]] = []
        self._counts: dict[int, int] = {}
        self._done = 0

    def write(self, path: Path) -> dict[int, int]:
        """The file; how many messages of which mailbox are in it."""
        parts = [part for store in open_stores() if (part := self._part(store)) is not None]
        total = sum(len(part.numbers) for part in parts)
        size = sum(leaf.size for part in parts for leaf in part.leaves.values())
        writer = writing.PackageWriter(path, kind=self._package.format, messages=total, size_bytes=size)
        try:
            for part in parts:
                self._write_part(part, writer, total)
            digest = self._finish(parts, writer)
        except BaseException:
            writer.abandon()
            raise
        self._package.messages, self._package.left_out = writer.messages, len(self._left_out)
        self._package.size_bytes, self._package.sha256, self._package.ready = path.stat().st_size, digest, True
        self._package.save()
        return self._counts

    def _finish(self, parts: list[_Part], writer: writing.PackageWriter) -> str:
        with transaction.atomic():
            key = evidence.signing_key()
        head = package_notes.head_of(self._actor, self._package, self._left_out)
        texts = {
            "README.txt": package_notes.readme(self._package, writer.messages).encode(),
            "log.json": json.dumps(package_notes.log_of(self._package), indent=1).encode() + b"\n",
        }
        kept = [self._proof(part) for part in parts]
        return writer.finish(head, kept, key, texts=texts)

    def _proof(self, part: _Part) -> writing.StoreProof:
        """The hashes beside the leaves that really went in."""
        numbers = sorted(part.numbers, key=part.places.__getitem__)
        wanted = [part.places[number] for number in numbers]
        nodes = prove(Leaves(part.opened).catch_up().hashes(), part.checkpoint.messages, wanted)
        proof = writing.StoreProof(part.opened.identity, part.store.name, part.checkpoint.as_checkpoint(), nodes)
        proof.require(wanted, [part.leaves[number].hash() for number in numbers])
        return proof

    def _part(self, store: Store) -> _Part | None:
        opened = engines.open_store(store)
        numbers = sorted(set(self._numbers(store, opened)))
        if not numbers:
            return None
        checkpoint, _new = evidence.checkpoint_now(self._actor, store)
        evidence.stamp_missing(store)
        checkpoint.refresh_from_db()
        leaves = Leaves(opened)
        places = leaves.catch_up().places(numbers)
        return _Part(store, opened, numbers, checkpoint, leaves.named(numbers), places)

    def _numbers(self, store: Store, opened: engine.Store) -> Iterator[int]:
        selection = self._selection
        if selection.chosen:
            rows: Any = opened.rows(sorted(set(selection.chosen.get(store.pk, ()))))
        else:
            rows = opened.iterate(selection.node, mailboxes=selection.mailboxes)
        paths = {each.number: each.path for each in opened.folders(None)}
        for row in rows:
            if self._run.stopping():
                raise self._run.cancelled({"messages": self._done})
            if any(True for _each in self._placements(row, paths)):
                yield row.number

    def _placements(self, row: engine.Row, paths: dict[int, str]) -> Iterator[tuple[int, str]]:
        """(mailbox, folder) of those placements that may be seen."""
        for folder, mailbox in row.placements:
            path = paths.get(folder)
            archives = self._selection.archives
            if path is not None and (archives is None or (mailbox in archives and archives[mailbox].allows(path))):
                yield mailbox, path

    def _write_part(self, part: _Part, writer: writing.PackageWriter, total: int) -> None:
        paths = {each.number: each.path for each in part.opened.folders(None)}
        written = []
        for number in part.numbers:
            if self._run.stopping():
                raise self._run.cancelled({"messages": self._done})
            if self._write(part, number, paths, writer):
                written.append(number)
            self._done += 1
            self._run.progress(self._done, total)
        part.numbers = written

    def _write(self, part: _Part, number: int, paths: dict[int, str], writer: writing.PackageWriter) -> bool:
        public_id, row, leaf = f"{part.store.pk}:{number}", part.opened.row(number), part.leaves.get(number)
        if row is None or leaf is None or number not in part.places:
            self._leave_out(public_id, "it was deleted meanwhile")
            return False
        placements = list(self._placements(row, paths))
        about = {
            "id": public_id,
            "subject": row.subject,
            "from": row.sender,
            **package_notes.tags_of(self._package, part.opened.identity, number),
            "folders": [{"mailbox": self._name(mailbox), "folder": path} for mailbox, path in placements],
        }
        try:
            chunks = iter([part.opened.read(number)]) if row.size <= WHOLE_BYTES else part.opened.stream(number)
            writer.add(writing.Message(part.opened.identity, leaf, part.places[number], about), chunks)
        except (Damaged, writing.NotTheSame) as error:
            self._leave_out(public_id, str(error))
            return False
        for mailbox in {mailbox for mailbox, _path in placements}:
            self._counts[mailbox] = self._counts.get(mailbox, 0) + 1
        return True

    def _leave_out(self, public_id: str, reason: str) -> None:
        self._left_out.append({"id": public_id, "reason": reason})
        self._run.log(f"{public_id}: {reason}", level="error")

    def _name(self, mailbox: int) -> str:
        if mailbox not in self._names:
            found = Mailbox.objects.filter(pk=mailbox).values_list("address", flat=True).first()
            self._names[mailbox] = found or f"#{mailbox}"
        return self._names[mailbox]


def remove_package(package: EvidencePackage) -> None:
    """Delete the file; doing it twice changes nothing, and the row stays."""
    package.path.unlink(missing_ok=True)
    EvidencePackage.objects.filter(pk=package.pk, removed_at=None).update(removed_at=timezone.now())


def require_download(actor: Actor, package: EvidencePackage) -> None:
    """Whoever made it takes it along, while they may read that mail. Raises: ExportGone, ArchiveClosed, Forbidden."""
    if not package.available or not package.path.exists():
        raise ExportGone("the package has expired")
    _archives(actor, package.mailboxes)


def delete_package(actor: Actor, package: EvidencePackage) -> None:
    """Whoever made it takes the file away; that it was made stays on record. Raises: Forbidden."""
    if actor.user is None or package.user_id != actor.user.pk:
        raise Forbidden("this package is somebody else's")
    actor.require_writing()
    with transaction.atomic():
        audit.record(actor, "package.delete", package)
        remove_package(package)


def remove_expired_packages() -> int:
    """Files whose time is over go."""
    expired = list(EvidencePackage.objects.filter(removed_at=None, expires_at__lt=timezone.now()))
    for package in expired:
        remove_package(package)
    return len(expired)


def note_download(actor: Actor, package: EvidencePackage) -> None:
    """Keep that a package left the server."""
    audit.record(actor, "package.download", package, sha256=package.sha256, server=settings.PUBLIC_URL)
