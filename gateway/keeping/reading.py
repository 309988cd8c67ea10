"""The bytes of kept messages, wherever they are: in a store, or with the message still. Not for rights."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from archive.mail.reading import read_message
from archive.reading import READ_BYTES, Loaded, load
from archive.selectors import Message as Stored
from archive.services.passing import find_copy
from domains.policy.facts import Direction
from gateway import content
from gateway.errors import CopyGone
from gateway.flow import Body, InFile, InMemory
from gateway.models import Content, Kept, Recipient

IN_MEMORY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Copy:
    """A kept message that can be read. stored: its place in a store; else its bytes are with the message."""

    kept: Kept
    stored: Stored | None
    content: Content | None

    @property
    def size_bytes(self) -> int:
        if self.stored is not None:
            return self.stored.row.size
        return 0 if self.content is None else self.content.size_bytes

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in order. Raises: StoreError, DamagedContent."""
        if self.stored is not None:
            yield from self.stored.engine.stream(self.stored.row.number)
        elif self.content is not None:
            yield from content.chunks_of(self.content)

    def body(self) -> Body:
        """All of it, which the caller closes. Raises: StoreError, DamagedContent."""
        if self.size_bytes <= IN_MEMORY_BYTES:
            return InMemory(b"".join(self.chunks()))
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the body
        digest, size = hashlib.sha256(), 0
        for piece in self.chunks():
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        return InFile(file, size, digest.digest())

    def loaded(self) -> Loaded:
        """As the pages show it: its beginning, where it is very large. Raises: StoreError, DamagedContent."""
        if self.stored is not None:
            return load(self.stored)
        pieces, size = [], 0
        for piece in self.chunks():
            pieces.append(piece)
            size += len(piece)
            if size >= READ_BYTES:
                break
        raw = b"".join(pieces)[:READ_BYTES]
        cut = self.size_bytes > len(raw)
        return Loaded(raw, read_message(raw, size=self.size_bytes) if cut else read_message(raw), cut=cut)


def kept_of(recipient: Recipient, folder: str = "") -> Kept | None:
    """The copy that is kept of a message for a recipient, quarantine first; None: none any more.

    Of what somebody sent to many there is one copy, in the row of the first.
    """
    same = Q(recipient=recipient)
    if recipient.direction == Direction.OUTGOING:
        same |= Q(recipient__message=recipient.message_id, recipient__direction=Direction.OUTGOING.value)
    rows = Kept.objects.filter(same).exclude(state=Kept.State.GONE).select_related("mailbox", "recipient__message")
    if folder:
        rows = rows.filter(folder=folder)
    order = {"Quarantine": 0, "Retention": 1, "Archive": 2}
    return min(rows, key=lambda row: (row.recipient_id != recipient.pk, order[row.folder]), default=None)


def copy_of(recipient: Recipient, folder: str = "") -> Copy:
    """Where the bytes are. Raises: CopyGone, StoreUnavailable."""
    kept = kept_of(recipient, folder)
    if kept is not None:
        row = None if kept.content_id is None else Content.objects.filter(pk=kept.content_id).first()
        if row is not None:
            return Copy(kept, None, row)
        digest = kept.sha256 if kept.sha256 is not None else recipient.message.sha256
        stored = find_copy(kept.store_id, kept.number, bytes(digest))
        if stored is not None:
            return Copy(kept, stored, None)
    raise CopyGone(_("This message isn't kept any more."))
