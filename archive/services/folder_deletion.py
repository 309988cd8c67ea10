"""Deleting a folder with its mail, or all folders of an archive: as far as nothing keeps the mail.

What retention, a hold or compliance keeps stays, with the folder it lies in, and is counted by why. A message that lies
elsewhere too is taken out of the folder only, if it could be deleted. Takes two people where there is mail in it; a
certificate of each store is left. Not for folders that are empty (`folders.delete_empty_folders`).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, locking
from archive.errors import BadArguments, FolderUnknown, Kept
from archive.folderfacts import named_folder
from archive.foldernames import lies_in
from archive.folderrights import require_organising
from archive.models import Compliance, DeletionCertificate, Store
from archive.ruling import Keeper
from archive.services import folders
from archive.services.certificates import append_lines, begin_certificate, finish_certificates, line_of
from archive.store.rows import Folder, Row
from domains.models import Mailbox
from jobs import proofs
from jobs.dry_runs import Plan
from jobs.running import TaskRun

COMMAND = "DeleteFolder"
BATCH = 200


@dataclass(frozen=True, slots=True)
class DeleteFolderArguments:
    """Which (`name@example.org/Inbox/Work`; without a path all of the archive), and why."""

    folder: str
    reason: str = ""


def plan(actor: Actor, arguments: DeleteFolderArguments) -> Plan | None:
    """How much lies in it; nothing where it is empty, and can be made again. Raises: Forbidden, FolderUnknown …"""
    mailbox, path = named_folder(actor, arguments.folder)
    require_organising(actor, mailbox, path)
    found = _folders(mailbox, path)
    messages = sum(folder.messages for _store, folder in found)
    if not messages:
        return None
    actor.require(Right.DELETE_MAIL)
    numbers = [
        (
            messages,
            ngettext(
                "message lies in it, and goes unless it is kept",
                "messages lie in it, and go unless they are kept",
                messages,
            ),
        ),
        (count := len({folder.path for _store, folder in found}), ngettext("folder", "folders", count)),
    ]
    return Plan(arguments.folder, numbers, note=arguments.reason)


def delete_folder(actor: Actor, run: TaskRun, arguments: DeleteFolderArguments) -> dict[str, Any]:
    """Delete what nothing keeps, then the empty folders. Raises: Forbidden, NeedsApproval, Kept, Cancelled …"""
    mailbox, path = named_folder(actor, arguments.folder)
    require_organising(actor, mailbox, path)  # before any mail goes: its folders go in the end
    folders.finish_moves(mailbox)
    found = _folders(mailbox, path)
    done: dict[str, Any] = {"deleted": 0, "kept": 0, "why": {}}
    if any(folder.messages for _store, folder in found):
        actor.require(Right.DELETE_MAIL)
        _require_reason(arguments)
        proofs.require(actor, run.approved, COMMAND, subject=arguments.folder, **dataclasses.asdict(arguments))
        _delete_mail(actor, run, mailbox, found, arguments.reason, done)
    emptied = folders.delete_empty_folders(actor, mailbox, path)
    audit.record(
        actor, "folder.delete", mailbox, folder=path, reason=arguments.reason, deleted=done["deleted"],
        kept=done["kept"], folders=len(emptied.removed),
    )  # fmt: skip
    left = sorted({folder.path for _store, folder in _known(mailbox, path)}, key=str.casefold)
    return {**done, "folders_removed": len(emptied.removed), "folders_left": left[:100]}


def _require_reason(arguments: DeleteFolderArguments) -> None:
    if len(arguments.reason.strip()) < 3:
        raise BadArguments(_("Say why, in a few words; it is kept for ever."), field="reason")
    if not Compliance.now().deletion_allowed:
        raise Kept(_("Compliance forbids that people delete messages."))


def _folders(mailbox: Mailbox, path: str) -> list[tuple[Store, Folder]]:
    """Raises: FolderUnknown."""
    found = _known(mailbox, path)
    if not found and path:
        raise FolderUnknown(_("There is no folder “%(folder)s”.") % {"folder": path})
    return found


def _known(mailbox: Mailbox, path: str) -> list[tuple[Store, Folder]]:
    return [
        (store, folder)
        for store in Store.objects.filter(detached_at=None).order_by("pk")
        if store.is_open
        for folder in engines.open_store(store).folders(mailbox.pk)
        if lies_in(folder.path, path)
    ]


def _delete_mail(
    actor: Actor, run: TaskRun, mailbox: Mailbox, found: list[tuple[Store, Folder]], reason: str, done: dict[str, Any]
) -> None:
    why: Counter[str] = Counter()
    total = sum(folder.messages for _store, folder in found)
    for store in dict.fromkeys(store for store, _folder in found):
        finish_certificates(store)
        certificate = begin_certificate(actor, run.task_id, store, reason)
        try:
            for folder in [each for owner, each in found if owner == store and each.messages]:
                before: int | None = None
                while not run.stopping():
                    rows = engines.open_store(store).list_folder(folder.number, before=before, limit=BATCH)
                    if not rows:
                        break
                    before = rows[-1].rank
                    _batch(actor, store, folder, [row.number for row in rows], certificate, done, why)
                    run.progress(done["deleted"] + done["kept"], total, note=folder.path)
        finally:
            done["why"] = dict(why)
            finish_certificates(store)
        if run.stopping():
            raise run.cancelled(dict(done))


def _batch(
    actor: Actor, store: Store, folder: Folder, numbers: list[int], certificate: DeletionCertificate,
    done: dict[str, Any], why: Counter[str],
) -> None:  # fmt: skip
    with locking.deleting():
        keeper = Keeper(store)
        rows = keeper.opened.rows(numbers)
        rulings = keeper.rule(rows)
        going = [row for row in rows if rulings[row.number].allowed]
        why.update(block.value for row in rows for block in rulings[row.number].blocks)
        done["kept"] += len(rows) - len(going)
        if not going:
            return
        names = {policy.id: policy.name for policy in keeper.policies}
        append_lines(certificate, [line_of(row, rulings[row.number], names) for row in going if _is_last(row, folder)])
        words = f"{certificate.reason} (certificate {certificate.pk})"
        numbers = [row.number for row in going]
        done["deleted"] += keeper.opened.delete(numbers, folder=folder.number, reason=words, by=actor.label[:300])


def _is_last(row: Row, folder: Folder) -> bool:
    """Whether the message is gone with this placement."""
    return all(placed == folder.number for placed, _mailbox in row.placements)
