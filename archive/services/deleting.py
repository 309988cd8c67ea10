"""Deleting a message by hand: with a reason, by who may, and never what retention, a hold or compliance keeps.

The bytes go with compaction. Not for expiry (`retention_run`) nor for deciding what must stay (`archive.ruling`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import FolderGrant
from accounts.permissions import Right
from archive import engines, locking
from archive.errors import BadArguments, Kept, MessageUnknown
from archive.keeping import dates
from archive.models import Compliance, RetentionPolicy, Store
from archive.owners import owner_of
from archive.ruling import Block, Ruling, may_delete
from archive.selectors import Message
from archive.store.rows import Row

_ID = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17})", re.ASCII)


def find_message(public_id: str) -> tuple[Store, Row]:
    """A message by `<store>:<number>`, for who needn't read it. Raises: MessageUnknown, StoreUnavailable."""
    found = _ID.fullmatch(public_id)
    store = None if found is None else Store.objects.filter(pk=int(found[1]), detached_at=None).first()
    row = None if store is None or found is None else engines.open_store(store).row(int(found[2]))
    if store is None or row is None:
        raise MessageUnknown(_("There is no message “%(id)s”.") % {"id": public_id})
    return store, row


def may_remove(actor: Actor, message: Message) -> bool:
    """Whether a reader of a message may delete it at all: by right, or by privilege on every folder it lies in."""
    if actor.has(Right.DELETE_MAIL):
        return True
    if actor.user is None or actor.acting is not None or not Compliance.now().deletion_allowed:
        return False
    placed = {folder.number: folder for folder in message.engine.folders(None)}
    grants = [grant for grant in FolderGrant.objects.filter(user=actor.user) if "delete" in grant.privileges]
    return all(
        any(grant.mailbox_id == mailbox and grant.covers(placed[folder].path) for grant in grants)
        for folder, mailbox in message.row.placements
        if folder in placed
    ) and bool(message.row.placements)


def delete_read(actor: Actor, message: Message, *, reason: str) -> None:
    """Delete a message that the actor has open. Raises: Forbidden, BadArguments, Kept, MessageUnknown."""
    if not may_remove(actor, message):
        raise Forbidden(f"{actor.label} may not delete this message")
    _delete(actor, message.store, message.row, reason)


def delete_message(actor: Actor, public_id: str, *, reason: str) -> None:
    """Delete a message by its id. Raises: Forbidden, BadArguments, Kept, MessageUnknown, StoreUnavailable."""
    actor.require(Right.DELETE_MAIL)
    store, row = find_message(public_id)
    _delete(actor, store, row, reason)


def _delete(actor: Actor, store: Store, row: Row, reason: str) -> None:
    actor.require_writing()
    reason = " ".join(reason.replace("\0", " ").split())[:500]
    if len(reason) < 3:
        raise BadArguments(_("Say why, in a few words; it is kept for ever."))
    if not Compliance.now().deletion_allowed:
        raise Kept(_("Compliance forbids that people delete messages."))
    owners = sorted({owner_of(mailbox) for _folder, mailbox in row.placements})
    with locking.deleting():
        ruling = may_delete(store, row)
        if not ruling.allowed:
            raise Kept(" ".join(explain_for(actor, ruling)))
        # The event first: where the store then fails, it goes with the transaction.
        audit.record(
            actor, "mail.delete", f"{store.pk}:{row.number}", reason=reason, sha256=row.sha256,
            size_bytes=row.size, mailboxes=owners,
        )  # fmt: skip
        if not engines.open_store(store).delete([row.number], reason=reason, by=actor.label[:300], erase=True):
            raise MessageUnknown(_("Somebody else deleted it just now."))


def explain_for(actor: Actor, ruling: Ruling) -> list[str]:
    """The same for somebody who needn't know what holds are called."""
    if actor.has(Right.MANAGE_HOLDS):
        return explain(ruling)
    hidden = (Block.HELD, Block.NOT_UNDERSTOOD)
    others = {why: [] if why in hidden else details for why, details in ruling.blocks.items()}
    return explain(replace(ruling, holds=[], blocks=others))


def explain(ruling: Ruling) -> list[str]:
    """Why a message stays, in sentences."""
    said = []
    for why, details in ruling.blocks.items():
        names = ", ".join(dict.fromkeys(each for each in details if each))
        if why == Block.TOO_EARLY:
            said.append(_too_early(ruling))
        elif why == Block.HELD and not names:
            said.append(_("A legal hold keeps it."))
        elif why == Block.HELD:
            said.append(_("A legal hold keeps it: %(names)s.") % {"names": names})
        elif why == Block.EVERYTHING_HELD:
            said.append(_("A legal hold keeps everything."))
        elif why == Block.UNREADABLE:
            said.append(_("It can't be read as a whole, so nobody knows which policies and holds it falls under."))
        elif why == Block.NOT_UNDERSTOOD:
            text = _("The search of %(names)s can't be read any more; nothing goes until that is put right.")
            said.append(text % {"names": names or _("a policy or a hold")})
        elif why == Block.STORE_SILENT:
            said.append(_("These stores can't be asked whether a hold covers a copy: %(names)s.") % {"names": names})
        else:
            said.append(_("Its store is write-protected or disabled."))
    return said


def _too_early(ruling: Ruling) -> str:
    day = dates.date_of(ruling.minimum)
    name = RetentionPolicy.objects.filter(pk=ruling.policy).values_list("name", flat=True).first()
    words = {"day": "–" if day is None else day.isoformat(), "policy": name or _("a policy that is gone")}
    return _("“%(policy)s” keeps it until %(day)s.") % words
