"""All rules that may concern one recipient (or sender), compiled once and asked for many messages.

Making a book costs about 0.1 ms per expression; keep one per domain until its rules change. Not for loading rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from domains.policy.attachments import AttachmentIndex, AttachmentRule
from domains.policy.dlp import DlpIndex, DlpRule
from domains.policy.protected import ProtectedIndex
from domains.policy.reasons import Reason
from domains.policy.senders import SenderIndex, SenderRule
from domains.policy.uris import UriIndex, UriRule


class RuleBook:
    """Rules in any order, of any owners: what doesn't concern a message isn't asked. Immutable, safe for threads.

    A rule that can't be read (stored before it was checked) is left out and named in `notes`.
    """

    def __init__(
        self,
        senders: Iterable[SenderRule] = (),
        attachments: Iterable[AttachmentRule] = (),
        uris: Iterable[UriRule] = (),
        dlp: Iterable[DlpRule] = (),
    ) -> None:
        sender_rules = tuple(senders)
        self.senders = SenderIndex(sender_rules)
        self.protected = ProtectedIndex(sender_rules)
        self.attachments = AttachmentIndex(attachments)
        self.uris = UriIndex(uris)
        self.dlp = DlpIndex(dlp)
        parts = (self.senders, self.protected, self.attachments, self.uris, self.dlp)
        notes = [note for part in parts for note in part.notes]
        self.notes: tuple[Reason, ...] = tuple(sorted(notes, key=lambda note: repr(sorted(note.data.items()))))


EMPTY = RuleBook()
